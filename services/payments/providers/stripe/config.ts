import Type from 'typebox'

/** The variables of the Stripe adapter. */
export const stripeConfig = Type.Object({
  STRIPE_API_KEY: Type.String({
    pattern: '^(sk|rk)_(test|live)_[A-Za-z0-9_]+$',
    description: 'secret or restricted key: PaymentIntents and Refunds write, Charges and Disputes read',
  }),
  STRIPE_WEBHOOK_SECRET: Type.String({
    pattern: '^whsec_.{10,}$',
    description: "signing secret of the webhook endpoint that points at this platform's webhook path",
  }),
  STRIPE_RETURN_URL: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description: "where customers come back from their bank's page; without it 3-D Secure is declined",
    }),
  ),
  STRIPE_MULTICAPTURE: Type.Boolean({
    default: false,
    description: 'whether the account may capture a PaymentIntent several times (an IC+ feature)',
  }),
  STRIPE_API_URL: Type.String({
    default: 'https://api.stripe.com',
    pattern: '^https?://',
    description: "Stripe's API; another one for tests",
  }),
})
