/** The saga's door to the users service. */
import type {
  ReleaseScreening,
  ScreenCustomer,
  ScreenCustomerInput,
  Screening,
  ScreeningRef,
} from '#services/users/screen-customer.ts'

export type { ScreenCustomerInput, Screening }

export interface UsersActivities {
  /**
   * Counts the order against its customer's spending limit; a repeat of a request gives the same answer. Less than the
   * order counts for is never refused.
   */
  screenCustomer(input: ScreenCustomerInput): Promise<Screening>
  /**
   * Takes the order off the customer's spending again, or only one request: then it counts for what it did before. Where
   * there is nothing, leaves a tombstone.
   */
  releaseScreening(input: ScreeningRef): Promise<void>
}

/** The use cases of the users service that the saga reaches. */
interface UsersUseCases {
  screenCustomer: ScreenCustomer
  releaseScreening: ReleaseScreening
}

export const createUsersActivities = (useCases: UsersUseCases): UsersActivities => ({
  screenCustomer: (input) => useCases.screenCustomer(input),
  releaseScreening: (input) => useCases.releaseScreening(input),
})
