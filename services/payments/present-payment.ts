import type { Refund as PublicRefund } from '#contracts/http/payments.ts'

interface StoredRefund {
  id: string
  amount: bigint | number
  reason: string
  status: string
  code: string | null
  createdAt: Date
}

/** A refund as the API shows it; whoever sends it on validates it. */
export const presentRefund = ({
  id,
  amount,
  reason,
  status,
  code,
  createdAt,
}: StoredRefund): Record<keyof PublicRefund, unknown> => ({
  id,
  amount: Number(amount),
  reason,
  status,
  code,
  createdAt: createdAt.toISOString(),
})
