/** Events are written in the transaction that makes them true; the relay publishes them afterwards. */
import { createHash } from 'node:crypto'
import type { EventPayload, EventType } from '#contracts/events.ts'
import { inTransaction, type Database, type Sql } from '../database.ts'
import { currentTrace } from '../trace.ts'

/** Relays of several processes share the work by shard; one aggregate is always in one shard. */
export const SHARDS = 8

export const shardOf = (aggregateId: string): number =>
  createHash('sha1').update(aggregateId).digest().readUInt16BE(0) % SHARDS

export interface NewEvent<T extends EventType> {
  type: T
  aggregateId: string
  /** The aggregate's version that this event brings it to; 1 for its first event. */
  version: number
  payload: EventPayload<T>
}

/** Adds an event to the outbox. A version that the aggregate already has violates `outbox_aggregate_version`. */
export async function appendEvent<T extends EventType>(tx: Sql, event: NewEvent<T>): Promise<void> {
  announcing.add(tx)
  await tx.$executeRaw`
    INSERT INTO outbox (event_id, aggregate_id, version, shard, type, payload, trace)
    VALUES (gen_random_uuid(), ${event.aggregateId}, ${event.version}, ${shardOf(event.aggregateId)}, ${event.type},
            ${JSON.stringify(event.payload)}::jsonb, ${currentTrace()?.traceparent ?? null})`
}

/** Transactions that have an event to publish once they are committed. */
const announcing = new WeakSet<Sql>()

/** Runs transactions and tells the relay of this process to look at once when one has written an event. */
export interface UnitOfWork<Tx extends Sql> {
  <R>(work: (tx: Tx) => Promise<R>): Promise<R>
}

export const createUnitOfWork =
  <Tx extends Sql>(database: Database<Tx>, onCommit: () => void): UnitOfWork<Tx> =>
  async (work) => {
    let announces = false
    const result = await inTransaction(database, async (tx) => {
      const done = await work(tx)
      announces = announcing.has(tx)
      return done
    })
    if (announces) onCommit()
    return result
  }
