/** The saga's door to the users service. */

export interface ScreenInput {
  orderId: string
  customerId: string
  /** Minor units. */
  amount: number
  currency: string
}

export type ScreenResult =
  | { outcome: 'cleared' }
  | { outcome: 'refused'; code: 'spending_limit' | 'account_closed' }
  /** The screening was released before this call arrived. */
  | { outcome: 'released' }

export interface UsersActivities {
  /** Counts the order against its customer's spending limit; a repeat gives the same answer. */
  screenCustomer(input: ScreenInput): Promise<ScreenResult>
  /** Takes the order off the customer's spending again; where there is nothing, leaves a tombstone. */
  releaseScreening(input: { orderId: string }): Promise<void>
}

/** The use cases of the users service that the saga reaches. */
interface UsersUseCases {
  screenCustomer(input: ScreenInput): Promise<ScreenResult>
  releaseScreening(orderId: string): Promise<void>
}

export const createUsersActivities = (useCases: UsersUseCases): UsersActivities => ({
  screenCustomer: ({ orderId, customerId, amount, currency }) =>
    useCases.screenCustomer({ orderId, customerId, amount, currency }),
  releaseScreening: ({ orderId }) => useCases.releaseScreening(orderId),
})
