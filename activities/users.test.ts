import { expect, test, vi } from 'vitest'
import { createUsersActivities, type UsersActivities } from './users.ts'

test('the door of the users service hands over what it is given and answers what it gets', async () => {
  const useCases = {
    screenCustomer: vi.fn<UsersActivities['screenCustomer']>(async () => ({
      outcome: 'refused',
      code: 'spending_limit',
    })),
    releaseScreening: vi.fn<UsersActivities['releaseScreening']>(async () => {}),
  }
  const { screenCustomer, releaseScreening } = createUsersActivities(useCases)
  const input = { orderId: 'order', customerId: 'customer', amount: 1990, currency: 'EUR', request: 2 }
  expect(await screenCustomer(input)).toEqual({ outcome: 'refused', code: 'spending_limit' })
  await releaseScreening({ orderId: 'order' })
  await releaseScreening({ orderId: 'order', request: 2 })
  expect(useCases.screenCustomer.mock.calls).toEqual([[input]])
  expect(useCases.releaseScreening.mock.calls).toEqual([
    [{ orderId: 'order' }],
    [{ orderId: 'order', request: 2 }],
  ])
})
