/** The sandbox: texts go to the local stack's mailbox, where people read them beside the e-mails. */
import { createJsonClient } from '#platform/outbound/json-client.ts'
import { NumberRefusedError, type SmsProvider, type SmsProviderOptions } from '../provider.ts'

const TAKEN = new Set([200, 201])
const NUMBER_REFUSED = 422

export function createSmsProvider({ url, from, breaker }: SmsProviderOptions): SmsProvider {
  const client = createJsonClient({ baseUrl: url, breaker })
  return {
    name: 'sandbox',
    async send({ id, to, body }) {
      const { status } = await client.call({
        method: 'POST',
        path: '/sms',
        body: { id, from, to, text: body },
      })
      if (status === NUMBER_REFUSED)
        throw new NumberRefusedError('the sandbox takes no texts for this number')
      if (!TAKEN.has(status)) throw new Error(`the SMS sandbox answered ${status}`)
    },
  }
}
