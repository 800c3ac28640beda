import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeProvider } from '../providers/conformance.ts'
import { createMemoryProvider } from './memory-provider.ts'

for (const multicapture of [true, false]) {
  describeProvider(
    { describe, it, expect, beforeAll, afterAll },
    `memory, multicapture ${multicapture}`,
    async () => {
      const provider = createMemoryProvider({ multicapture })
      return {
        provider,
        authenticate: async ({ reference }, approved) => provider.authenticate(reference, approved),
        methods: {
          secure: 'pm_card_authenticationRequired',
          approved: 'pm_card_visa',
          declined: 'pm_card_visa_chargeDeclined',
          declineCode: 'card_declined',
        },
        stop: async () => {},
      }
    },
  )
}
