/** What each request for stock was answered, for its repeats. */
import Type, { type Static } from 'typebox'
import { Allocation, Sku } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { parser } from '#platform/validation.ts'

const Shortages = Type.Array(Type.Object({ sku: Sku, requested: Type.Integer(), available: Type.Integer() }))

/** When a hold ends is not part of it: that is read from the reservation, since a hold can be extended. */
const StoredAnswer = Type.Union([
  Type.Object({
    outcome: Type.Literal('held'),
    allocations: Type.Array(Allocation),
    shortages: Type.Optional(Shortages),
  }),
  Type.Object({ outcome: Type.Literal('out_of_stock'), shortages: Shortages }),
  Type.Object({ outcome: Type.Literal('backordered'), shortages: Shortages }),
])
export type StoredAnswer = Static<typeof StoredAnswer>

const parseAnswer = parser('the stored answer of a request', StoredAnswer)

export async function rememberAnswer(
  tx: Sql,
  { id, request }: { id: string; request: number },
  answer: StoredAnswer,
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO reservation_requests (reservation_id, request, answer)
    VALUES (${id}::uuid, ${request}, ${JSON.stringify(answer)}::jsonb)
    ON CONFLICT (reservation_id, request) DO UPDATE SET answer = EXCLUDED.answer`
}

/** `superseded`: a later request was answered before this one came. */
export async function recallAnswer(
  tx: Sql,
  { id, request }: { id: string; request: number },
): Promise<StoredAnswer | 'superseded' | undefined> {
  const [latest] = await tx.$queryRaw<{ request: number; answer: unknown }[]>`
    SELECT request, answer FROM reservation_requests
    WHERE reservation_id = ${id}::uuid AND request >= ${request} ORDER BY request LIMIT 1`
  if (latest === undefined) return undefined
  return latest.request === request ? parseAnswer(latest.answer) : 'superseded'
}
