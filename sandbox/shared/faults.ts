/** Takes a whole outside process away, or makes it slow, from outside. A restart heals it. */
import Type, { type Static } from 'typebox'
import { Closed } from '#contracts/schemas.ts'
import type { HttpServer } from '#platform/http/server.ts'
import type { Pause } from './pause.ts'
import { sharedRefusal } from './refusal.ts'

const FaultMode = Closed({ mode: Type.Enum(['none', 'slow', 'down']) })
type FaultMode = Static<typeof FaultMode>

export interface Faults {
  /** Every route of this scope suffers. */
  apply(scope: HttpServer): void
  /** Registers `POST /faults` and `POST /faults/clear`. */
  routes(scope: HttpServer): void
}

/** `onClear` heals what is particular to one process. */
export function createFaults(options: { pause: Pause; slowMs: number; onClear?: () => void }): Faults {
  let current: FaultMode = { mode: 'none' }
  return {
    apply(scope) {
      scope.addHook('onRequest', async () => {
        if (current.mode === 'down') throw sharedRefusal('taken_down', 'POST /faults/clear brings it back.')
        if (current.mode === 'slow') await options.pause(options.slowMs)
      })
    },
    routes(scope) {
      scope.post<{ Body: FaultMode }>('/faults', { schema: { body: FaultMode } }, ({ body }) => {
        current = body
        return current
      })
      scope.post('/faults/clear', () => {
        current = { mode: 'none' }
        options.onClear?.()
        return current
      })
    },
  }
}
