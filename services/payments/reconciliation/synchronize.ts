/** Holds one authorization against the provider's state of it, and brings ours to that. Nothing is sent. */
import { unsettledOf, type Attempt } from '../books/attempt.ts'
import { adopt, type Adoption } from './adopt.ts'
import type { Authorization } from '../books/authorization.ts'
import { lockBooks, type Books } from '../books/books.ts'
import { book, settleByReading, workOf, type PaymentsDependencies } from '../operations/execute-attempt.ts'
import { lookUp, outcomeOf } from '../operations/authorize.ts'

export type Synchronization =
  /** Ours is what the provider's is now. */
  | ({ outcome: 'compared' } & Adoption)
  /** The provider has no such authorization. */
  | { outcome: 'absent' }
  /** Something of this payment is under way: compare later. */
  | { outcome: 'busy' }

/** How often the payment may change between looking there and looking here. */
const MOST_TRIES = 5

export function createSynchronize(dependencies: PaymentsDependencies) {
  const { transact, provider } = dependencies

  return async function synchronize(
    orderId: string,
    attempt: Pick<Attempt, 'id' | 'key'>,
    providerId: string | null,
  ): Promise<Synchronization> {
    await settleWhatIsOpen(orderId, attempt.id)
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const before = await transact((tx) => lockBooks(tx, orderId))
      const authorization = authorizationOf(before, attempt.id)
      const seen = await lookUp(provider, attempt.key, authorization.providerId ?? providerId)
      if (seen?.reference !== attempt.key) return { outcome: 'absent' }
      const done = await transact(async (tx): Promise<Synchronization | undefined> => {
        const books = await lockBooks(tx, orderId)
        const unsettled = unsettledOf(books.attempts)
        if (unsettled?.id === attempt.id) {
          // a provider that finds nothing by our reference has named the authorization itself
          await book(tx, orderId, attempt, outcomeOf(seen))
          return undefined
        }
        if (unsettled !== undefined) return { outcome: 'busy' }
        const now = authorizationOf(books, attempt.id)
        // it moved while we looked: what we saw may be older than what we have
        if (JSON.stringify(now) !== JSON.stringify(authorization)) return undefined
        return { outcome: 'compared', ...(await adopt(tx, books, now, seen)) }
      })
      if (done !== undefined) return done
    }
    return { outcome: 'busy' }
  }

  /** What was sent and not answered, and what this authorization's customer may have answered. */
  async function settleWhatIsOpen(orderId: string, attemptId: string): Promise<void> {
    const books = await transact((tx) => lockBooks(tx, orderId))
    const unsettled = unsettledOf(books.attempts)
    if (unsettled !== undefined) await settleByReading(dependencies, workOf(books, unsettled))
    const own = books.attempts.find(({ id }) => id === attemptId)
    if (own?.waiting === true) await settleByReading(dependencies, workOf(books, own))
  }
}

function authorizationOf({ authorizations, attempts }: Books, attemptId: string): Authorization {
  const made = attempts.find(({ id }) => id === attemptId)
  const authorization = authorizations.find(({ id }) => id === made?.authorizationId)
  if (authorization === undefined) throw new Error(`attempt ${attemptId} is about no authorization`)
  return authorization
}
