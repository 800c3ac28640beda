import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { JsonAnswer } from '#platform/outbound/json-client.ts'
import { createApiKeys } from './api-keys.ts'

const secret = `msk_${'a'.repeat(40)}`
const userId = randomUUID()
const signer = { sign: async () => 'token' }

function setup(expiresInMs = 600_000) {
  let at = Date.now()
  let calls = 0
  const pending: ((answer: JsonAnswer) => void)[] = []
  const owner = () => ({
    userId,
    keyId: randomUUID(),
    roles: ['customer'],
    scopes: [],
    expiresAt: new Date(at + expiresInMs).toISOString(),
  })
  const client = {
    call: () => {
      calls += 1
      return new Promise<JsonAnswer>((resolve) => pending.push(resolve))
    },
  }
  const apiKeys = createApiKeys({ client, signer, now: () => at })
  return {
    apiKeys,
    calls: () => calls,
    pass: (ms: number) => (at += ms),
    async ask(status = 200) {
      const asked = apiKeys.ownerOf(secret)
      await Promise.race([asked.catch(() => {}), new Promise((resolve) => setImmediate(resolve))])
      pending.shift()?.({ status, body: owner(), headers: new Headers() })
      return asked
    },
    answer: () => pending.shift()?.({ status: 200, body: owner(), headers: new Headers() }),
  }
}

test('rights are remembered for 30 s and no longer', async () => {
  const { ask, calls, pass } = setup()
  await ask()
  pass(29_999)
  await ask()
  expect(calls()).toBe(1)
  pass(1)
  await ask()
  expect(calls()).toBe(2)
})

test('a key is not remembered beyond its expiry', async () => {
  const { ask, calls, pass } = setup(1_000)
  await ask()
  pass(1_000)
  await ask()
  expect(calls()).toBe(2)
})

test('a refusal is remembered for 5 s', async () => {
  const { ask, calls, pass } = setup()
  await expect(ask(401)).rejects.toMatchObject({ code: 'unauthenticated' })
  pass(4_999)
  await expect(ask(401)).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(calls()).toBe(1)
  pass(1)
  await ask(200)
  expect(calls()).toBe(2)
})

test('an answer that was under way while the rights changed is not remembered', async () => {
  const { apiKeys, ask, answer, calls } = setup()
  const asked = apiKeys.ownerOf(secret)
  await new Promise((resolve) => setImmediate(resolve))
  apiKeys.forget(userId)
  answer()
  await asked
  await ask()
  expect(calls()).toBe(2)
  await ask()
  expect(calls()).toBe(2)
})
