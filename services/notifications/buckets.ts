/** NATS key-value buckets of this service, opened when they are first needed: the broker may be away at the start. */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import type { EventBus } from '#platform/events/event-bus.ts'

export interface Bucket {
  /** @returns the revision; undefined when the key has a value already */
  create(key: string, value: unknown): Promise<number | undefined>
  /** @returns the value and the revision to replace it at; undefined when there is none */
  read(key: string): Promise<{ value: unknown; revision: number } | undefined>
  /** @returns the new revision; undefined when somebody else was faster */
  replace(key: string, value: unknown, revision: number): Promise<number | undefined>
  /** Removes the value if nobody has replaced it since `revision`. */
  remove(key: string, revision: number): Promise<void>
}

/** @param ttlMs how long a value is kept after it was written; for ever where nothing is said */
export function openBucket(bus: Pick<EventBus, 'ready'>, name: string, ttlMs?: number): Bucket {
  let opening: Promise<KV> | undefined

  async function open(): Promise<KV> {
    const { connection } = await bus.ready()
    // read from the leader only: a copy that lags behind would let a second sender in
    return new Kvm(connection).create(name, {
      history: 1,
      allow_direct: false,
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
    })
  }

  const bucket = (): Promise<KV> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  return {
    create: (key, value) => unlessRaced((kv) => kv.create(key, JSON.stringify(value))),
    async read(key) {
      const entry = await (await bucket()).get(key)
      return entry === null || entry.operation !== 'PUT'
        ? undefined
        : { value: entry.json(), revision: entry.revision }
    },
    replace: (key, value, revision) => unlessRaced((kv) => kv.update(key, JSON.stringify(value), revision)),
    async remove(key, revision) {
      await unlessRaced((kv) => kv.delete(key, { previousSeq: revision }))
    },
  }

  async function unlessRaced<R>(change: (kv: KV) => Promise<R>): Promise<R | undefined> {
    const kv = await bucket()
    try {
      return await change(kv)
    } catch (error) {
      if (error instanceof JetStreamApiError && RACED.has(error.code)) return undefined
      throw error
    }
  }
}

/** The key is not at the revision that the change was made for. */
const RACED = new Set<number>([
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
])
