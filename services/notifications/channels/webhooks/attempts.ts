/** What was tried at each endpoint: its last hundred attempts, kept by the broker. */
import { JetStreamError } from '@nats-io/jetstream'
import Type from 'typebox'
import { WebhookAttempt } from '#contracts/http/notifications.ts'
import { decodeCursor, toPage } from '#platform/keyset.ts'
import { parser } from '#platform/validation.ts'
import { ATTEMPTS, ATTEMPTS_PER_ENDPOINT, attemptSubject, type Streams } from './streams.ts'

const parseAttempt = parser('a webhook attempt', WebhookAttempt)
/** The attempt's sequence in the stream. */
const Cursor = Type.Tuple([Type.Integer({ minimum: 1 })], { additionalItems: false, minItems: 1 })

/** The broker's status when there is none of this subject. */
const NO_MESSAGE = 404

export interface Attempts {
  add(endpointId: string, attempt: WebhookAttempt): Promise<void>
  /** The newest first. @throws ProblemError `invalid_cursor` */
  list(
    endpointId: string,
    page: { limit?: number; cursor?: string },
  ): Promise<{ data: WebhookAttempt[]; nextCursor: string | null }>
  drop(endpointId: string): Promise<void>
}

export const createAttempts = (streams: () => Promise<Streams>): Attempts => ({
  async add(endpointId, attempt) {
    const { client } = await streams()
    await client.publish(attemptSubject(endpointId), JSON.stringify(attempt))
  },
  async list(endpointId, { limit = 20, cursor }) {
    const [before = Infinity] = decodeCursor(Cursor, cursor) ?? []
    const rows = await read(await streams(), endpointId)
    const older = rows.filter(({ sequence }) => sequence < before).toReversed()
    const page = toPage(older.slice(0, limit + 1), limit, ({ sequence }) => [sequence])
    return { ...page, data: page.data.map(({ attempt }) => attempt) }
  },
  async drop(endpointId) {
    const { manager } = await streams()
    await manager.streams.purge(ATTEMPTS, { filter: attemptSubject(endpointId) })
  },
})

/** Oldest first. */
async function read(
  { manager }: Streams,
  endpointId: string,
): Promise<{ sequence: number; attempt: WebhookAttempt }[]> {
  const rows = []
  const messages = await manager.direct.getBatch(ATTEMPTS, {
    seq: 1,
    next_by_subj: attemptSubject(endpointId),
    batch: ATTEMPTS_PER_ENDPOINT,
  })
  try {
    for await (const message of messages) {
      rows.push({ sequence: message.seq, attempt: parseAttempt(message.json()) })
    }
  } catch (error) {
    if (!(error instanceof JetStreamError && 'code' in error && error.code === NO_MESSAGE)) throw error
  }
  return rows
}
