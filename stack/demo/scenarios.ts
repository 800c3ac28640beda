/** What the demo can show: each scenario is an order and how it is expected to end. */
import type { PlaceOrderBody } from '#contracts/http/orders.ts'
import type { OrderStatus } from '#contracts/states.ts'

export interface Scenario {
  title: string
  order: Pick<PlaceOrderBody, 'lines' | 'paymentMethod'>
  endsAs: OrderStatus
}

export const SCENARIOS = {
  happy: {
    title: 'An order goes through: reserved, paid, shipped in one parcel',
    order: {
      lines: [
        { sku: 'TEE-BLACK-M', quantity: 2 },
        { sku: 'MUG-WHITE', quantity: 1 },
      ],
      paymentMethod: 'pm_card_visa',
    },
    endsAs: 'completed',
  },
  declined: {
    title: 'The card is declined: the saga undoes what it did',
    order: { lines: [{ sku: 'MUG-WHITE', quantity: 3 }], paymentMethod: 'pm_card_visa_chargeDeclined' },
    endsAs: 'rejected',
  },
  'out-of-stock': {
    title: 'The chair is out of stock: nothing is charged',
    order: { lines: [{ sku: 'CHAIR-ASH', quantity: 1 }], paymentMethod: 'pm_card_visa' },
    endsAs: 'rejected',
  },
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS

export const isScenario = (name: string): name is ScenarioName => Object.hasOwn(SCENARIOS, name)

export const DEMO_ADDRESS: PlaceOrderBody['shippingAddress'] = {
  name: 'Carla Customer',
  line1: 'Prinsengracht 1',
  city: 'Amsterdam',
  postalCode: '1015 DK',
  country: 'NL',
}
