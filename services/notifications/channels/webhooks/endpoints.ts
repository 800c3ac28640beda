/** The webhook endpoints: one value in a bucket, so that a change sees all of them. Secrets are not among it. */
import Type, { type Static } from 'typebox'
import { isEventFilter, WebhookEndpoint } from '#contracts/http/notifications.ts'
import { Id } from '#contracts/schemas.ts'
import { parser } from '#platform/validation.ts'
import type { Bucket } from '../../buckets.ts'

const KEY = 'all'
/** Other instances' changes are seen this late; who makes one waits as long before he says that it is made. */
export const FRESH_MS = 250
const MAX_RACES = 50

const StoredEndpoint = Type.Object({
  ...WebhookEndpoint.properties,
  /** As it was asked for: what was offered then may not be any more, and must not hide all the others. */
  events: Type.Array(Type.String()),
  /** The operator who made it. */
  createdBy: Id,
})
export type StoredEndpoint = Static<typeof StoredEndpoint>

const parseEndpoints = parser('the webhook endpoints', Type.Array(StoredEndpoint))

export interface Endpoints {
  /** Oldest first. */
  all(): Promise<StoredEndpoint[]>
  /** As of FRESH_MS ago at the most, without asking each time. */
  recent(): Promise<StoredEndpoint[]>
  /** Replaces all by what `change` makes of them; undefined leaves them. It may be called several times. */
  change(change: (endpoints: StoredEndpoint[]) => StoredEndpoint[] | undefined): Promise<void>
}

export function createEndpoints(bucket: Bucket, clock: () => number = Date.now): Endpoints {
  let kept: { endpoints: Promise<StoredEndpoint[]>; until: number } | undefined

  async function read(): Promise<{ endpoints: StoredEndpoint[]; revision: number | undefined }> {
    const entry = await bucket.read(KEY)
    return entry === undefined
      ? { endpoints: [], revision: undefined }
      : { endpoints: parseEndpoints(entry.value), revision: entry.revision }
  }

  const all = async (): Promise<StoredEndpoint[]> => (await read()).endpoints

  return {
    all,
    recent() {
      if (kept !== undefined && kept.until > clock()) return kept.endpoints
      const asked = { endpoints: all(), until: clock() + FRESH_MS }
      kept = asked
      asked.endpoints.catch(() => {
        if (kept === asked) kept = undefined
      })
      return asked.endpoints
    },
    async change(change) {
      for (let race = 0; race < MAX_RACES; race++) {
        const { endpoints, revision } = await read()
        const changed = change(endpoints)
        if (changed === undefined) return
        const stored =
          revision === undefined
            ? await bucket.create(KEY, changed)
            : await bucket.replace(KEY, changed, revision)
        if (stored === undefined) continue // somebody else was faster: again, on what they have made
        kept = undefined
        return
      }
      throw new Error('the webhook endpoints were changed by others all the time')
    },
  }
}

/** As operators see it: with what it gets. */
export function toEndpoint({ createdBy, events, ...endpoint }: StoredEndpoint): WebhookEndpoint {
  void createdBy // an id of ours
  return { ...endpoint, events: events.filter(isEventFilter) }
}
