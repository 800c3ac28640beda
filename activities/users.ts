/** The saga's door to the users service. */

export interface ScreenInput {
  orderId: string
  customerId: string
  /** Minor units: what the whole order is to count for. */
  amount: number
  currency: string
  /** Counts the order's requests from 1; a later one changes what the order counts for. */
  request?: number
}

export type ScreenResult =
  | { outcome: 'cleared' }
  | { outcome: 'refused'; code: 'spending_limit' | 'account_closed' }
  /** The screening was released before this call arrived, or a later request came first. */
  | { outcome: 'released' }

export interface UsersActivities {
  /**
   * Counts the order against its customer's spending limit; a repeat of a request gives the same answer. Less than the
   * order counts for is never refused.
   */
  screenCustomer(input: ScreenInput): Promise<ScreenResult>
  /**
   * Takes the order off the customer's spending again, or only one request: then it counts for what it did before. Where
   * there is nothing, leaves a tombstone.
   */
  releaseScreening(input: ReleaseScreeningInput): Promise<void>
}

export interface ReleaseScreeningInput {
  orderId: string
  /** Absent: all of them. */
  request?: number
}

/** The use cases of the users service that the saga reaches. */
interface UsersUseCases {
  screenCustomer(input: ScreenInput): Promise<ScreenResult>
  releaseScreening(input: ReleaseScreeningInput): Promise<void>
}

export const createUsersActivities = (useCases: UsersUseCases): UsersActivities => ({
  screenCustomer: (input) => useCases.screenCustomer(input),
  releaseScreening: (input) => useCases.releaseScreening(input),
})
