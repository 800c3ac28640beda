import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { ErrorCode } from '#contracts/errors.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { once, purgeIdempotencyKeys, type Command, type Finish } from './idempotency.ts'
import { ProblemError } from './problem.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders(20)
})

const command = (changes: Partial<Command> = {}): Command => ({
  caller: 'someone',
  key: randomUUID(),
  method: 'POST',
  route: '/things',
  body: { a: 1, b: 2 },
  ...changes,
})

/** An effect that can be counted: one inbox row per run, committed with the answer. */
const effectOf = (consumer: string) => (finish: Finish) =>
  orders.transact(async (tx) => {
    await tx.$executeRaw`INSERT INTO inbox (consumer, event_id) VALUES (${consumer}, gen_random_uuid())`
    const answer = { status: 201, body: { id: randomUUID() } }
    await finish(tx, answer)
    return answer
  })
const effects = (consumer: string) => orders.database.inbox.count({ where: { consumer } })
const code = (expected: string): unknown => expect.objectContaining({ code: expected })
const rowOf = ({ caller, key }: Command) =>
  orders.database.idempotencyKey.findUnique({ where: { caller_key: { caller, key } } })

describe('once', () => {
  it('answers a repeat with the stored answer and does nothing again', async () => {
    const first = command()
    const effect = effectOf(first.key)
    const answer = await once(orders.database, first, effect)
    expect(answer).toEqual({ status: 201, body: { id: expect.any(String) }, replayed: false })
    const repeat = { ...first, body: { b: 2, a: 1 } } // the same JSON, written differently
    expect(await once(orders.database, repeat, effect)).toEqual({ ...answer, replayed: true })
    expect(await effects(first.key)).toBe(1)
  })

  it('has one effect when fifty come at once, and one answer for all who wait and repeat', async () => {
    const same = command()
    const effect = effectOf(same.key)
    const untilAnswered = async (): Promise<unknown> => {
      for (;;) {
        try {
          return (await once(orders.database, same, effect)).body
        } catch (error) {
          expect(error).toMatchObject({ code: 'idempotency_in_progress', status: 409, retryAfter: 1 })
          await sleep(5)
        }
      }
    }
    const answers = await Promise.all(Array.from({ length: 50 }, untilAnswered))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(await effects(same.key)).toBe(1)
  })

  it.each([
    ['another body', { body: { a: 1, b: 3 } }],
    ['another route', { route: '/others' }],
    ['another method', { method: 'PUT' }],
  ])('refuses the key with %s, answered or not', async (_what, changes) => {
    const first = command()
    const other = { ...first, ...changes }
    const work = vi.fn<() => Promise<never>>()
    await once(orders.database, first, async (finish) => {
      await expect(once(orders.database, other, work)).rejects.toThrow(code('idempotency_key_reused'))
      return effectOf(first.key)(finish)
    })
    await expect(once(orders.database, other, work)).rejects.toThrow(code('idempotency_key_reused'))
    expect(work).not.toHaveBeenCalled()
    expect(await effects(first.key)).toBe(1)
  })

  it('keeps the keys of different callers apart', async () => {
    const first = command()
    const effect = effectOf(first.key)
    await once(orders.database, first, effect)
    const other = await once(orders.database, { ...first, caller: 'someone else' }, effect)
    expect(other.replayed).toBe(false)
    expect(await effects(first.key)).toBe(2)
  })

  it('frees the key when the work fails, so that the next try runs', async () => {
    const first = command()
    const failure = new Error('out of paper')
    await expect(once(orders.database, first, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await rowOf(first)).toBeNull()
    expect((await once(orders.database, first, effectOf(first.key))).replayed).toBe(false)
  })

  it.each<ErrorCode>(['payment_not_captured', 'refund_exceeds_captured'])(
    'gives a refusal with %s again, and does not decide anew',
    async (refused) => {
      const first = command()
      const refusal = new ProblemError(refused, 'Not now.')
      await expect(once(orders.database, first, () => Promise.reject(refusal))).rejects.toBe(refusal)
      const work = vi.fn<() => Promise<never>>()
      await expect(once(orders.database, first, work)).rejects.toMatchObject({
        code: refused,
        message: 'Not now.',
        replayed: true,
      })
      expect(work).not.toHaveBeenCalled()
      await expect(once(orders.database, { ...first, body: 'other' }, work)).rejects.toThrow(
        code('idempotency_key_reused'),
      )
    },
  )

  it.each<[string, ProblemError]>([
    ['names fields', new ProblemError('unknown_sku', 'x', { errors: [{ path: 'sku', message: 'x' }] })],
    ['is not valid', new ProblemError('validation_failed', 'x')],
    ['finds nothing', new ProblemError('not_found', 'x')],
    ['meets another version', new ProblemError('stale_version', 'x')],
    ['comes before another', new ProblemError('shipment_transition_refused', 'x')],
    ['does not say which', new ProblemError('several_operations_waiting', 'x')],
    ['asks to come again', new ProblemError('conflict', 'x', { retryAfter: 1 })],
    ['comes too often', new ProblemError('rate_limited', 'x')],
    ['meets an outage', new ProblemError('workflow_engine_unavailable', 'x')],
  ])('frees the key of a request that %s', async (_what, error) => {
    const first = command()
    await expect(once(orders.database, first, () => Promise.reject(error))).rejects.toBe(error)
    expect(await rowOf(first)).toBeNull()
  })

  it('does not let a fenced holder store its refusal over the answer of the new one', async () => {
    const same = command()
    const refusal = new ProblemError('conflict', 'Too late.')
    const old = once(orders.database, same, async () => {
      await orders.database.$executeRaw`
        UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = ${same.key}`
      await once(orders.database, same, effectOf(same.key))
      throw refusal
    })
    await expect(old).rejects.toBe(refusal)
    expect((await once(orders.database, same, effectOf(same.key))).status).toBe(201)
  })

  it('keeps the answer when the work fails after its transaction was committed', async () => {
    const first = command()
    const failing = once(orders.database, first, async (finish) => {
      await effectOf(first.key)(finish)
      throw new Error('the connection broke after the commit')
    })
    await expect(failing).rejects.toThrow('after the commit')
    expect((await once(orders.database, first, effectOf(first.key))).replayed).toBe(true)
    expect(await effects(first.key)).toBe(1)
  })

  it('lets the next one take over when the lease has run out, and fences the old holder', async () => {
    const same = command()
    const old = once(orders.database, same, async (finish) => {
      // the first holder hangs; its lease runs out and another one takes over and finishes
      await orders.database.$executeRaw`
        UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = ${same.key}`
      expect((await once(orders.database, same, effectOf(same.key))).replayed).toBe(false)
      return effectOf(same.key)(finish)
    })
    await expect(old).rejects.toThrow(code('idempotency_in_progress'))
    expect(await effects(same.key)).toBe(1)
    expect((await rowOf(same))?.status).toBe(201)
  })

  it('answers 409 while the first is running, and does not run the work', async () => {
    const same = command()
    const work = vi.fn<() => Promise<never>>()
    const first = await once(orders.database, same, async (finish) => {
      await expect(once(orders.database, same, work)).rejects.toMatchObject({
        code: 'idempotency_in_progress',
        status: 409,
        retryAfter: 1,
      })
      return effectOf(same.key)(finish)
    })
    expect([first.replayed, work.mock.calls.length]).toEqual([false, 0])
  })

  it('fences the old holder also before the new one has finished', async () => {
    const same = command()
    const taken = Promise.withResolvers<void>()
    const tried = Promise.withResolvers<void>()
    const expire = () => orders.database.$executeRaw`
      UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = ${same.key}`
    const started = Promise.withResolvers<void>()
    const old = once(orders.database, same, async (finish) => {
      await expire()
      started.resolve()
      await taken.promise
      return effectOf(same.key)(finish)
    })
    await started.promise
    const second = once(orders.database, same, async (finish) => {
      taken.resolve()
      await tried.promise
      return effectOf(same.key)(finish)
    })
    await expect(old).rejects.toThrow(code('idempotency_in_progress'))
    expect(await effects(same.key)).toBe(0)
    tried.resolve()
    expect((await second).replayed).toBe(false)
    expect(await effects(same.key)).toBe(1)
  })

  it('does not let a fenced holder free the key of the new one', async () => {
    const same = command()
    const newHolder = Promise.withResolvers<void>()
    const taken = Promise.withResolvers<void>()
    const old = once(orders.database, same, async () => {
      await orders.database.$executeRaw`
        UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = ${same.key}`
      await taken.promise
      throw new Error('too late')
    })
    await vi.waitFor(async () => {
      const row = await rowOf(same)
      expect(row!.leaseUntil.getTime()).toBeLessThan(Date.now())
    }, 10_000)
    const second = once(orders.database, same, async (finish) => {
      taken.resolve()
      await newHolder.promise
      return effectOf(same.key)(finish)
    })
    await expect(old).rejects.toThrow('too late')
    expect((await rowOf(same))?.status).toBeNull()
    newHolder.resolve()
    expect((await second).replayed).toBe(false)
    expect(await effects(same.key)).toBe(1)
  })

  it('does not give a lease that has run out to another request', async () => {
    const same = command()
    await once(orders.database, same, async (finish) => {
      await orders.database.$executeRaw`
        UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = ${same.key}`
      await expect(once(orders.database, { ...same, body: 'other' }, effectOf(same.key))).rejects.toThrow(
        code('idempotency_key_reused'),
      )
      return effectOf(same.key)(finish)
    })
    expect(await effects(same.key)).toBe(1)
  })

  it('says what failed first when the key cannot be freed either', async () => {
    const failure = new Error('first')
    const work = vi.fn<() => Promise<never>>().mockRejectedValue(failure)
    const executeRaw = vi
      .fn<() => Promise<number>>()
      .mockResolvedValueOnce(1)
      .mockRejectedValue(new Error('second'))
    const broken = { $executeRaw: executeRaw, $queryRaw: vi.fn<() => Promise<never>>() }
    await expect(once(broken, command(), work)).rejects.toBe(failure)
    expect(executeRaw).toHaveBeenCalledTimes(2)
  })

  it('is forgotten after 48 hours', async () => {
    const first = command()
    const kept = command()
    await once(orders.database, first, effectOf(first.key))
    await once(orders.database, kept, effectOf(kept.key))
    const row = await rowOf(first)
    expect(Math.round((row!.expiresAt.getTime() - Date.now()) / 60_000)).toBe(48 * 60)
    await orders.database.$executeRaw`
      UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE key = ${first.key}`
    expect((await once(orders.database, { ...first, body: 'new' }, effectOf(first.key))).replayed).toBe(false)
    await orders.database.$executeRaw`
      UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE key = ${first.key}`
    expect(await purgeIdempotencyKeys(orders.database, 10)).toBe(1)
    expect(await rowOf(first)).toBeNull()
    expect(await rowOf(kept)).not.toBeNull()
  })
})
