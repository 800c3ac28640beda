/** Money that the provider holds for an order: all of it, or one parcel's. A payment may have several, one after another. */
import type { Sql } from '#platform/database.ts'

/** A candidate does not count before it is kept; what is superseded is released. */
export type Standing = 'candidate' | 'current' | 'superseded'

export type AuthorizationStatus =
  'created' | 'requires_action' | 'authorized' | 'declined' | 'voided' | 'expired'

interface AuthorizationRow {
  id: string
  request: number
  sequence: number
  shipmentId: string | null
  carriesShipping: boolean
  /** The one that it takes the place of because that ran out, or would. */
  renews: string | null
  amount: bigint
  paymentMethod: string
  standing: Standing
  status: AuthorizationStatus
  code: string | null
  captured: bigint
  refunded: bigint
  released: bigint
  disputed: bigint
  chargedBack: bigint
  /** Its parcel was given up. */
  releaseRequested: boolean
  /** It ran out with money on it that nobody had taken. */
  expired: boolean
  providerId: string | null
  brand: string | null
  last4: string | null
  actionUrl: string | null
  createdAt: Date
  expiresAt: Date | null
}

type Sums = 'amount' | 'captured' | 'refunded' | 'released' | 'disputed' | 'chargedBack'

/** Amounts in minor units. */
export type Authorization = Omit<AuthorizationRow, Sums> & Record<Sums, number>

const toAuthorization = (row: AuthorizationRow): Authorization => ({
  ...row,
  amount: Number(row.amount),
  captured: Number(row.captured),
  refunded: Number(row.refunded),
  released: Number(row.released),
  disputed: Number(row.disputed),
  chargedBack: Number(row.chargedBack),
})

/** What may still be captured or released. */
export const openOf = ({ status, amount, captured, released }: Authorization): number =>
  status === 'authorized' ? amount - captured - released : 0

/** Whether the provider has ever held its money. */
export const wasApproved = ({ status, released }: Authorization): boolean =>
  status === 'authorized' || released > 0

/** What may still be given back. */
export const refundableOf = ({ captured, refunded, disputed, chargedBack }: Authorization): number =>
  Math.max(0, captured - refunded - disputed - chargedBack)

/** The key of its authorize call, which is our reference at the provider. */
export const referenceOf = (orderId: string, { sequence }: Pick<Authorization, 'sequence'>): string =>
  `${orderId}:authorize:${sequence}`

/** All authorizations of a locked payment, oldest first. */
export async function authorizationsOf(tx: Sql, paymentId: string): Promise<Authorization[]> {
  const rows = await tx.$queryRaw<AuthorizationRow[]>`
    SELECT id, request, sequence, shipment_id AS "shipmentId", carries_shipping AS "carriesShipping", renews, amount,
           payment_method AS "paymentMethod", standing, status, code, captured, refunded, released, disputed,
           charged_back AS "chargedBack", release_requested AS "releaseRequested", expired, provider_id AS "providerId", brand,
           last4, action_url AS "actionUrl", created_at AS "createdAt", expires_at AS "expiresAt"
    FROM authorizations WHERE payment_id = ${paymentId}::uuid ORDER BY sequence`
  return rows.map(toAuthorization)
}

export interface NewAuthorization {
  request: number
  sequence: number
  amount: number
  paymentMethod: string
  standing: Standing
  shipmentId: string | null
  carriesShipping: boolean
  renews?: string
}

export async function addAuthorization(
  tx: Sql,
  payment: { id: string; orderId: string },
  { renews, ...draft }: NewAuthorization,
): Promise<Authorization> {
  const [row] = await tx.$queryRaw<{ id: string; createdAt: Date }[]>`
    INSERT INTO authorizations (payment_id, request, sequence, shipment_id, carries_shipping, renews, amount, payment_method,
                                standing, created_at)
    VALUES (${payment.id}::uuid, ${draft.request}, ${draft.sequence}, ${draft.shipmentId}::uuid, ${draft.carriesShipping},
            ${renews ?? null}::uuid, ${BigInt(draft.amount)}, ${draft.paymentMethod}, ${draft.standing}, clock_timestamp())
    RETURNING id, created_at AS "createdAt"`
  if (row === undefined) throw new Error(`${referenceOf(payment.orderId, draft)} was not stored`)
  return { ...blank, ...draft, ...row, renews: renews ?? null }
}

const blank = {
  id: '',
  renews: null,
  status: 'created',
  code: null,
  captured: 0,
  refunded: 0,
  released: 0,
  disputed: 0,
  chargedBack: 0,
  releaseRequested: false,
  expired: false,
  providerId: null,
  brand: null,
  last4: null,
  actionUrl: null,
  createdAt: new Date(0),
  expiresAt: null,
} as const satisfies Partial<Authorization>

type Change = Partial<
  Pick<
    Authorization,
    | 'standing'
    | 'status'
    | 'code'
    | 'captured'
    | 'refunded'
    | 'released'
    | 'disputed'
    | 'chargedBack'
    | 'releaseRequested'
    | 'expired'
    | 'providerId'
    | 'brand'
    | 'last4'
    | 'actionUrl'
    | 'expiresAt'
  >
>

/** Writes a change of an authorization whose payment is locked. */
export async function changeAuthorization(
  tx: Sql,
  before: Authorization,
  change: Change,
): Promise<Authorization> {
  const after: Authorization = { ...before, ...change }
  await tx.$executeRaw`
    UPDATE authorizations
    SET standing = ${after.standing}, status = ${after.status}, code = ${after.code}, captured = ${BigInt(after.captured)},
        refunded = ${BigInt(after.refunded)}, released = ${BigInt(after.released)}, disputed = ${BigInt(after.disputed)},
        charged_back = ${BigInt(after.chargedBack)}, release_requested = ${after.releaseRequested},
        expired = ${after.expired}, provider_id = ${after.providerId}, brand = ${after.brand}, last4 = ${after.last4}, action_url = ${after.actionUrl},
        expires_at = ${after.expiresAt}
    WHERE id = ${after.id}::uuid`
  return after
}

/** Takes these out of the payment: what they hold is released, what they captured stays. */
export async function supersede(tx: Sql, authorizations: readonly Authorization[]): Promise<void> {
  for (const authorization of authorizations) {
    if (authorization.standing !== 'superseded')
      await changeAuthorization(tx, authorization, { standing: 'superseded' })
  }
}
