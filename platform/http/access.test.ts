import { describe, expect, it } from 'vitest'
import type { Caller } from '../service-token.ts'
import { assertAccess, seesEverything } from './access.ts'

const caller = (changes: Partial<Caller> = {}): Caller => ({
  kind: 'user',
  subject: 'someone',
  roles: ['customer'],
  scopes: ['*'],
  ...changes,
})
const anonymous = caller({ kind: 'anonymous', roles: [], scopes: [] })
const service = caller({ kind: 'service', roles: [], scopes: [] })
const code = (expected: string): unknown => expect.objectContaining({ code: expected })

describe('assertAccess', () => {
  it('lets anyone use what is for anyone', () => {
    for (const who of [anonymous, caller(), service]) {
      expect(() => assertAccess({ access: 'anyone' }, who)).not.toThrow()
    }
  })

  it('lets only services use what is for services', () => {
    expect(() => assertAccess({ access: 'service' }, service)).not.toThrow()
    expect(() => assertAccess({ access: 'service' }, anonymous)).toThrow(code('forbidden'))
    expect(() => assertAccess({ access: 'service' }, caller({ roles: ['admin'] }))).toThrow(code('forbidden'))
  })

  it('asks strangers, and services, to sign in', () => {
    expect(() => assertAccess({ access: 'signed-in' }, anonymous)).toThrow(code('unauthenticated'))
    expect(() => assertAccess({ access: ['customer'] }, anonymous)).toThrow(code('unauthenticated'))
    expect(() => assertAccess({ access: ['customer'] }, service)).toThrow(code('unauthenticated'))
    expect(() => assertAccess({ access: 'signed-in' }, caller({ roles: [] }))).not.toThrow()
  })

  it('wants one of the roles', () => {
    const operators = { access: ['operator', 'admin'] } as const
    expect(() => assertAccess(operators, caller({ roles: ['customer', 'admin'] }))).not.toThrow()
    expect(() => assertAccess(operators, caller())).toThrow(code('forbidden'))
  })

  it('wants the scope of an API key, and no key where there is none', () => {
    const read = { access: 'signed-in', scope: 'orders:read' } as const
    expect(() => assertAccess(read, caller({ scopes: ['orders:read'] }))).not.toThrow()
    expect(() => assertAccess(read, caller({ scopes: ['orders:write'] }))).toThrow(code('forbidden'))
    expect(() => assertAccess({ access: 'signed-in' }, caller({ scopes: ['orders:read'] }))).toThrow(
      code('forbidden'),
    )
    expect(() => assertAccess({ access: 'anyone' }, caller({ scopes: [] }))).toThrow(code('forbidden'))
  })
})

describe('seesEverything', () => {
  it('is for operators and admins', () => {
    expect(seesEverything(caller({ roles: ['operator'] }))).toBe(true)
    expect(seesEverything(caller({ roles: ['admin'] }))).toBe(true)
    expect(seesEverything(caller({ roles: ['customer', 'courier'] }))).toBe(false)
    expect(seesEverything(service)).toBe(false)
  })
})
