/** What a customer is told of an order, by e-mail and by text message, over the whole system. */
import Type from 'typebox'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Return } from '#contracts/http/returns.ts'
import { parser } from '#platform/validation.ts'
import type { ApiClient } from '#stack/demo/client.ts'
import { createOutside } from '#stack/demo/outside.ts'
import { deadline } from '#services/notifications/channels/deadline.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop
let phones = 600

beforeAll(async () => {
  shop = await openShop()
})

const parseTexts = parser(
  'the texts',
  Type.Object({ messages: Type.Array(Type.Object({ text: Type.String() })) }),
)

const PATIENCE = { timeout: 40_000, interval: 100 }

/** A customer, their address, and a phone from a range that is nobody's. */
async function customerWithPhone() {
  const customer = await shop.customer()
  const phone = `+447700900${String(phones++)}`
  const { status, body } = await customer.send<{ email: string }>('PATCH', '/api/v1/users/me', {
    body: { phone },
  })
  expect(status).toBe(200)
  return { customer, phone, email: body.email }
}

/** Oldest first. */
async function textsTo(phone: string): Promise<string[]> {
  const url = `http://127.0.0.1:${shop.ports.mailbox}/api/sms?to=${encodeURIComponent(phone)}`
  return parseTexts(await (await fetch(url)).json())
    .messages.map(({ text }) => text)
    .toReversed()
}

const mailsTo = async (email: string) => (await shop.mailsTo(email)).toReversed()

const command = async <Body>(client: ApiClient, path: string, body: object): Promise<Body> => {
  const answer = await client.post<Body>(path, body)
  expect([path, answer.status]).toEqual([path, expect.toSatisfy((status: number) => status < 300)])
  return answer.body
}

describe('a customer', () => {
  it('is asked to approve a payment, and hears of the rest', async () => {
    const { customer, phone, email } = await customerWithPhone()
    const sku = await shop.product({ AMS: 1 })
    const { id, number } = await customer.placeOrder(
      orderOf({ lines: [{ sku, quantity: 1 }], paymentMethod: 'pm_card_authenticationRequired' }),
    )
    await vi.waitFor(async () => {
      expect(await mailsTo(email)).toEqual([
        `We have your order ${number}`,
        `Please approve the payment of your order ${number}`,
      ])
      expect(await textsTo(phone)).toHaveLength(1)
    }, PATIENCE)
    const { waitingFor } = await customer.readOrder(id)
    const until = deadline(waitingFor?.until ?? '')
    expect(await textsTo(phone)).toEqual([
      `Your order ${number} needs your approval of the payment by ${until}.`,
    ])
    await createOutside(shop.ports).answerBank(waitingFor?.url ?? '', 'approve')
    await shop.reaches(customer, id, 'completed')
    await vi.waitFor(async () => {
      const mails = (await mailsTo(email)).slice(2)
      const ofParcel = [
        `A parcel of your order ${number} is on its way`,
        `A parcel of your order ${number} was delivered`,
      ]
      // those of the parcel in their order; that of the order's own comes before, between or after them
      expect(mails.toSorted()).toEqual([...ofParcel, `Your order ${number} is confirmed`].toSorted())
      expect(mails.filter((subject) => ofParcel.includes(subject))).toEqual(ofParcel)
      expect((await textsTo(phone)).slice(1)).toEqual([
        expect.stringMatching(`^A parcel of your order ${number} is on its way`),
      ])
    }, PATIENCE)
  })

  it('hears of a return and of its money; the phone goes with the account', async () => {
    const { customer, email } = await customerWithPhone()
    const operator = await shop.operator()
    const sku = await shop.product({ AMS: 2 })
    const { id, number } = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 2 }] }))
    await shop.reaches(customer, id, 'completed')
    const back = await vi.waitFor(
      () =>
        command<Return>(customer, `/api/v1/orders/${id}/returns`, {
          lines: [{ sku, quantity: 1, reason: 'too small' }],
        }),
      PATIENCE,
    )
    await command(operator, `/api/v1/returns/${back.id}/approve`, {})
    await vi.waitFor(
      () =>
        command(operator, `/api/v1/returns/${back.id}/receive`, {
          warehouse: 'AMS',
          disposition: 'restock',
        }),
      PATIENCE,
    )
    await vi.waitFor(async () => {
      expect((await mailsTo(email)).toSorted()).toEqual(
        [
          `We have your order ${number}`,
          `Your order ${number} is confirmed`,
          `A parcel of your order ${number} is on its way`,
          `A parcel of your order ${number} was delivered`,
          `You can send back goods of your order ${number}`,
          `Your return for order ${number} is settled`,
        ].toSorted(),
      )
    }, PATIENCE)

    expect((await customer.send('DELETE', '/api/v1/users/me')).status).toBe(204)
    const [row] = await shop.rows<{ phone: string | null }>(
      'users',
      `SELECT phone FROM users WHERE id = (SELECT customer_id FROM screenings WHERE order_id = '${id}')`,
    )
    expect(row).toEqual({ phone: null })
  })
})
