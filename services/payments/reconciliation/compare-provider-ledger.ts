import type { Finding } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { findPaidTwice } from '../settled-otherwise/find-paid-twice.ts'
import { createReconcilePayment } from './reconcile-payment.ts'
import type { Synchronization } from './synchronize.ts'

const MOST_COMPARED = 500
/** What nothing can happen to any more is looked at for this long. */
const RECENT_DAYS = 2

interface Compared {
  id: string
  orderId: string
  reference: string
}

export type CompareProviderLedger = ReturnType<typeof createCompareProviderLedger>

export function createCompareProviderLedger(
  dependencies: PaymentsDependencies & { database: Sql; logger: Logger },
) {
  const { database, logger } = dependencies
  const reconcilePayment = createReconcilePayment(dependencies)

  /**
   * Holds our authorizations that are open or recent against the provider's, those first that were not compared for the
   * longest time. Differences are booked where it is clear what they mean. What was settled otherwise and has happened there
   * as well is a finding too, however it became known.
   */
  return async function compareProviderLedger(): Promise<Finding[]> {
    const findings: Finding[] = []
    const due = await findDue(database)
    let failures = 0
    for (const compared of due) {
      try {
        findings.push(...toFindings(compared, await reconcilePayment(compared.reference)))
        await database.$executeRaw`
          UPDATE authorizations SET compared_at = clock_timestamp() WHERE id = ${compared.id}::uuid`
      } catch (error) {
        failures += 1
        logger.warn({ err: error, reference: compared.reference }, 'an authorization could not be compared')
        if (failures === due.length) throw error
      }
    }
    return [...findings, ...(await findPaidTwice(database))]
  }
}

const findDue = (database: Sql): PromiseLike<Compared[]> => database.$queryRaw`
  SELECT made.id, payment.order_id AS "orderId", attempt.key AS reference
  FROM authorizations made
  JOIN payments payment ON payment.id = made.payment_id
  JOIN attempts attempt ON attempt.authorization_id = made.id AND attempt.operation = 'authorize'
  WHERE made.provider_id IS NOT NULL
    AND (made.status IN ('requires_action', 'authorized')
         OR payment.updated_at > now() - make_interval(days => ${RECENT_DAYS}))
  ORDER BY made.compared_at NULLS FIRST, made.created_at LIMIT ${MOST_COMPARED}`

function toFindings({ orderId, reference }: Compared, result: Synchronization | undefined): Finding[] {
  const finding = (detail: string, repaired: boolean): Finding => ({
    kind: 'ledger_mismatch',
    subjectId: orderId,
    orderId,
    detail: `${reference}: ${detail}`.slice(0, 500),
    repaired,
  })
  if (result?.outcome === 'absent') return [finding('the provider does not know it', false)]
  if (result?.outcome !== 'compared') return []
  return [
    ...result.repaired.map((detail) => finding(detail, true)),
    ...result.different.map((detail) => finding(detail, false)),
  ]
}
