import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import type { JsonAnswer, JsonCall } from '#platform/outbound/json-client.ts'
import { createServiceTokenSigner, generateSigningKey } from '#platform/service-token.ts'
import { createFindContact } from './contacts.ts'

const signer = await createServiceTokenSigner('notifications', await generateSigningKey())
const contact = (userId: string) => ({ userId, email: 'ann@example.test', name: 'Ann', phone: null })

function users(answer: (userId: string) => Partial<JsonAnswer>) {
  const calls: JsonCall[] = []
  const client = {
    async call(call: JsonCall): Promise<JsonAnswer> {
      calls.push(call)
      return { status: 200, body: null, headers: new Headers(), ...answer(call.path.split('/')[3] ?? '') }
    },
  }
  return { calls, client }
}

describe('findContact', () => {
  test('asks the users service as notifications', async () => {
    const { calls, client } = users((userId) => ({ body: contact(userId) }))
    const userId = randomUUID()
    expect(await createFindContact({ client, signer })(userId)).toEqual(contact(userId))
    expect(calls.map(({ method, path }) => [method, path])).toEqual([
      ['GET', `/internal/users/${userId}/contact`],
    ])
    const claims = decodeJwt(calls[0]?.headers?.['authorization']?.slice('Bearer '.length) ?? '')
    expect(claims).toMatchObject({
      iss: 'notifications',
      aud: 'users',
      sub: 'notifications',
      kind: 'service',
    })
  })

  test('asks once a minute, however many want to know', async () => {
    let now = 0
    const { calls, client } = users((userId) => ({ body: contact(userId) }))
    const findContact = createFindContact({ client, signer, clock: () => now })
    const userId = randomUUID()
    await Promise.all(Array.from({ length: 10 }, () => findContact(userId)))
    now = 59_999
    await findContact(userId)
    expect(calls).toHaveLength(1)
    now = 60_000
    await findContact(userId)
    expect(calls).toHaveLength(2)
  })

  test('an erased account has none', async () => {
    const { client } = users(() => ({ status: 404 }))
    expect(await createFindContact({ client, signer })(randomUUID())).toBeUndefined()
  })

  test('a failure is told and asked again', async () => {
    let status = 403
    const { calls, client } = users((userId) => ({ status, body: contact(userId) }))
    const findContact = createFindContact({ client, signer })
    const userId = randomUUID()
    await expect(findContact(userId)).rejects.toThrow(/answered 403/)
    status = 200
    expect(await findContact(userId)).toEqual(contact(userId))
    expect(calls).toHaveLength(2)
  })

  test('an answer that is no contact is a failure', async () => {
    const { client } = users(() => ({ body: { email: 'x' } }))
    await expect(createFindContact({ client, signer })(randomUUID())).rejects.toThrow(
      /answer of the users service/,
    )
  })

  test('keeps five thousand, and forgets the one that was not used for longest', async () => {
    const { calls, client } = users((userId) => ({ body: contact(userId) }))
    const findContact = createFindContact({ client, signer: { ...signer, sign: async () => 'token' } })
    const ids = Array.from({ length: 5_001 }, () => randomUUID())
    await Promise.all(ids.slice(0, 5_000).map(findContact))
    await findContact(ids[0] ?? '')
    await findContact(ids[5_000] ?? '')
    expect(calls).toHaveLength(5_001)
    await findContact(ids[0] ?? '')
    expect(calls).toHaveLength(5_001)
    await findContact(ids[1] ?? '')
    expect(calls).toHaveLength(5_002)
  })
})
