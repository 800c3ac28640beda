/** What happens outside the platform: the bank's page, the carrier's vans, the provider's faults. No keys are needed for it. */
import Type, { type Static } from 'typebox'
import { formatMoney } from '#contracts/money.ts'
import type { Ports } from '#contracts/services.ts'
import { parser } from '#platform/validation.ts'

const BookEntry = Type.Object({
  type: Type.String(),
  reference: Type.Optional(Type.String()),
  amount: Type.Optional(Type.Integer()),
  status: Type.Optional(Type.String()),
})
type BookEntry = Static<typeof BookEntry>

/** Every order of the demo is in this currency; the provider's books name it only where money is authorized. */
const CURRENCY = 'EUR'

const parseBooks = parser("the provider's books", Type.Object({ data: Type.Array(BookEntry) }))

const MONEY = ['authorization', 'authentication', 'capture', 'void', 'refund', 'refusal']

export interface Outside {
  /** The customer approves or declines a payment at the bank's page. */
  answerBank(url: string, answer: 'approve' | 'decline'): Promise<void>
  /** Moves a parcel whose address asks for that. */
  moveParcel(trackingNumber: string, move: 'dispatch' | 'deliver' | 'lose'): Promise<void>
  /** What the provider did with an order's money, oldest first, by its own books: `capture 54.33 EUR`. */
  providerBooks(orderId: string): Promise<string[]>
  /** Takes the sandbox's payment provider away until it is mended. */
  breakProvider(): Promise<void>
  /** Mends what the sandbox's payment provider refuses on purpose. */
  mendProvider(): Promise<void>
}

export function createOutside(ports: Pick<Ports, 'provider' | 'carrier'>): Outside {
  const provider = `http://127.0.0.1:${ports.provider}`
  const carrier = `http://127.0.0.1:${ports.carrier}`
  return {
    answerBank: (url, answer) => post(`${url}/${answer}`),
    moveParcel: (trackingNumber, move) => post(`${carrier}/parcels/${trackingNumber}/${move}`),
    async providerBooks(orderId) {
      const { data } = parseBooks(await (await fetch(`${provider}/ledger`)).json())
      return data
        .filter(({ type, reference }) => MONEY.includes(type) && reference?.startsWith(orderId) === true)
        .map(inWords)
    },
    breakProvider: () => post(`${provider}/faults`, { mode: 'down' }),
    mendProvider: () => post(`${provider}/faults/clear`),
  }
}

const inWords = ({ type, status, amount }: BookEntry): string =>
  [
    type,
    ...(status === undefined || status === 'authorized' ? [] : [status]),
    ...(amount === undefined ? [] : [formatMoney(amount, CURRENCY)]),
  ].join(' ')

async function post(url: string, body?: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) }
  const response = await fetch(url, { method: 'POST', ...sent })
  const text = await response.text()
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${text}`)
}
