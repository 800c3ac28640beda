/** The customer's bank takes captured money back: it is booked, announced, and nothing is refunded meanwhile. */
import type { Sql } from '#platform/database.ts'
import { changeAuthorization, type Authorization } from './authorization.ts'
import { postDispute } from './ledger.ts'
import { recordChange, type Payment } from './payment.ts'
import type { ProviderDispute } from '../providers/provider.ts'

type Status = ProviderDispute['status']

interface Dispute {
  id: string
  status: Status
}

/** Books what is new about an authorization's disputes; answers it in words. */
export async function adoptDisputes(
  tx: Sql,
  payment: Payment,
  authorization: Authorization,
  seen: readonly ProviderDispute[],
): Promise<string[]> {
  const news: string[] = []
  const at = { payment, authorization }
  for (const dispute of seen) {
    const known = await findOrOpen(tx, at, dispute)
    if (known.opened) news.push(`disputed ${dispute.amount}`)
    if (dispute.status === 'open' || known.status === dispute.status) continue
    await decide(tx, at, { ...dispute, id: known.id, status: dispute.status })
    news.push(`the dispute about ${dispute.amount} was ${dispute.status}`)
  }
  return news
}

/** The payment and the authorization as they are now: every booking brings both further. */
interface Place {
  payment: Payment
  authorization: Authorization
}

async function findOrOpen(
  tx: Sql,
  at: Place,
  { id: providerId, amount }: ProviderDispute,
): Promise<Dispute & { opened: boolean }> {
  const [known] = await tx.$queryRaw<Dispute[]>`
    SELECT id, status FROM disputes
    WHERE authorization_id = ${at.authorization.id}::uuid AND provider_id = ${providerId}`
  if (known !== undefined) return { ...known, opened: false }
  const [row] = await tx.$queryRaw<{ id: string }[]>`
    INSERT INTO disputes (authorization_id, provider_id, amount, status)
    VALUES (${at.authorization.id}::uuid, ${providerId}, ${BigInt(amount)}, 'open')
    RETURNING id`
  if (row === undefined) throw new Error(`the dispute ${providerId} was not stored`)
  await postDispute(tx, { payment: at.payment, disputeId: row.id, amount }, 'opened')
  await move(tx, at, { disputed: amount, chargedBack: 0 }, { amount, code: 'opened' })
  return { id: row.id, status: 'open', opened: true }
}

async function decide(
  tx: Sql,
  at: Place,
  { id, amount, status }: { id: string; amount: number; status: 'won' | 'lost' },
): Promise<void> {
  await tx.$executeRaw`UPDATE disputes SET status = ${status} WHERE id = ${id}::uuid`
  await postDispute(tx, { payment: at.payment, disputeId: id, amount }, status)
  const chargedBack = status === 'lost' ? amount : 0
  await move(tx, at, { disputed: -amount, chargedBack }, { amount, code: status })
}

async function move(
  tx: Sql,
  at: Place,
  by: { disputed: number; chargedBack: number },
  { amount, code }: { amount: number; code: string },
): Promise<void> {
  at.authorization = await changeAuthorization(tx, at.authorization, {
    disputed: at.authorization.disputed + by.disputed,
    chargedBack: at.authorization.chargedBack + by.chargedBack,
  })
  at.payment = await recordChange(tx, at.payment, { type: 'payment.disputed', amount, code })
}
