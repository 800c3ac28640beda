import type { Finding } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import { unsettledOf, type Attempt } from '../books/attempt.ts'
import { lockBooks } from '../books/books.ts'
import {
  createExecuteAttempt,
  settleByReading,
  takeUnsettled,
  workOf,
  type PaymentsDependencies,
  type Ticket,
} from '../operations/execute-attempt.ts'

const MOST_FINDINGS = 500

export interface SettlingDependencies extends PaymentsDependencies {
  database: Sql
  logger: Logger
  /** How long an outcome may be open before it is asked for. */
  afterSeconds: number
}

interface OpenAttempt {
  orderId: string
  id: string
  key: string
  waiting: boolean
}

export type SettleUnknownPayments = ReturnType<typeof createSettleUnknownPayments>

export function createSettleUnknownPayments(dependencies: SettlingDependencies) {
  const { transact, database, timings, logger, afterSeconds } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)

  /**
   * Asks the provider about every outcome that has been open for long. Captures, releases and refunds are repeated with their
   * key where the provider has not heard of them; an authorization is only read, and so is what was given up: whoever wanted
   * it may not want it any more.
   * What a customer has not approved yet is no finding, nor here what happened though an operator has settled it otherwise:
   * `findPaidTwice` says so.
   */
  return async function settleUnknownPayments(): Promise<Finding[]> {
    const findings: Finding[] = []
    for (const open of await findOpen(database, afterSeconds)) {
      const settled = await settle(open).catch((error: unknown) => {
        logger.warn({ err: error, key: open.key }, 'an outcome is still not known')
        return undefined
      })
      if (settled === undefined ? open.waiting : settled.givenUp && settled.status === 'succeeded') continue
      const detail = `${open.key} ${settled === undefined ? 'is still not known' : settled.status}`
      const { orderId } = open
      findings.push({
        kind: 'unknown_payment',
        subjectId: orderId,
        orderId,
        detail,
        repaired: settled !== undefined,
      })
    }
    return findings
  }

  /** @returns the attempt when its outcome is known */
  async function settle({ orderId, id }: OpenAttempt): Promise<Attempt | undefined> {
    const taken = await transact((tx) => take(tx, orderId, id))
    if (taken === undefined) return undefined
    const settled = taken.read
      ? await settleByReading(dependencies, taken.ticket)
      : await executeAttempt(taken.ticket)
    return settled?.waiting === true ? undefined : settled
  }

  async function take(
    tx: Sql,
    orderId: string,
    id: string,
  ): Promise<{ read: boolean; ticket: Ticket } | undefined> {
    const books = await lockBooks(tx, orderId)
    const attempt = books.attempts.find((each) => each.id === id)
    // what is under way may be its release: that says first what the provider's state means
    if (attempt?.waiting === true && unsettledOf(books.attempts) !== undefined) return undefined
    if (attempt?.waiting === true || attempt?.operation === 'authorize') {
      return { read: true, ticket: { ...workOf(books, attempt), asking: true, repeat: false } }
    }
    const ticket = await takeUnsettled(tx, books, timings)
    return ticket?.attempt.id === id ? { read: false, ticket } : undefined
  }
}

const findOpen = (tx: Sql, afterSeconds: number): PromiseLike<OpenAttempt[]> => tx.$queryRaw`
  SELECT payment.order_id AS "orderId", attempt.id, attempt.key, attempt.waiting
  FROM attempts attempt JOIN payments payment ON payment.id = attempt.payment_id
  WHERE attempt.status IN ('sent', 'unknown') AND (attempt.deadline IS NULL OR attempt.deadline < clock_timestamp())
    AND attempt.sent_at < clock_timestamp() - make_interval(secs => ${afterSeconds}::float8)
  ORDER BY attempt.waiting, attempt.sent_at LIMIT ${MOST_FINDINGS}`
