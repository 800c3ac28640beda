/** Where the demo's orders go. */
import type { PlaceOrderBody } from '#contracts/http/orders.ts'

export const DEMO_ADDRESS: PlaceOrderBody['shippingAddress'] = {
  name: 'Carla Customer',
  line1: 'Prinsengracht 1',
  city: 'Amsterdam',
  postalCode: '1015 DK',
  country: 'NL',
}

/** The sandbox's carrier leaves parcels with this address where they are until somebody moves them. */
export const BY_HAND_ADDRESS = { ...DEMO_ADDRESS, line2: 'SANDBOX: BY HAND' }
