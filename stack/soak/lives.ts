/** Random lives of orders: what is ordered, and how customers, couriers and operators go on with it. */
import * as fc from 'fast-check'
import type { PlaceOrderBody } from '#contracts/http/orders.ts'
import { BY_HAND_ADDRESS, DEMO_ADDRESS } from '../demo/addresses.ts'

export interface Life {
  order: PlaceOrderBody
  /** One for each turn: which of the moves that are possible then is made. */
  chances: number[]
}

const PAYMENT_METHODS = [
  'pm_card_visa',
  'pm_card_mastercard',
  'pm_card_authenticationRequired',
  'pm_card_visa_chargeDeclined',
  'pm_sandbox_timeout_after_charge',
  'pm_sandbox_error_then_ok',
  'pm_sandbox_slow',
  'pm_sandbox_capture_fails',
  'pm_sandbox_void_fails',
]

const line = (sku: string, most: number) =>
  fc.record({ sku: fc.constant(sku), quantity: fc.integer({ min: 1, max: most }) })

/** Products of the seed: plenty, from two warehouses, the last ones, and one that is not there. */
const lines = fc.uniqueArray(
  fc.oneof(
    line('TEE-BLACK-M', 3),
    line('MUG-WHITE', 3),
    line('LAMP-OAK', 8),
    line('POSTER-LTD', 4),
    line('CHAIR-ASH', 1),
  ),
  { selector: ({ sku }) => sku, minLength: 1, maxLength: 2 },
)

const life: fc.Arbitrary<Life> = fc.record({
  order: fc.record({
    lines,
    paymentMethod: fc.constantFrom('pm_card_visa', 'pm_card_visa', ...PAYMENT_METHODS),
    onShortage: fc.constantFrom('ask', 'reject', 'ship_available', 'backorder'),
    shippingAddress: fc.constantFrom(DEMO_ADDRESS, BY_HAND_ADDRESS),
  }),
  chances: fc.array(fc.integer({ min: 0, max: 9_999 }), { minLength: 25, maxLength: 25, size: 'max' }),
})

/** The same seed gives the same lives; what comes of them is also a matter of time. */
export const livesOf = (seed: number, count: number): Life[] => fc.sample(life, { seed, numRuns: count })
