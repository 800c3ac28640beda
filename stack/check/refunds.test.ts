import { beforeEach, describe, expect, it } from 'vitest'
import { checkRefunds } from './refunds.ts'
import type { Sources } from './sources.ts'

/** What was captured for a parcel, or went back for a reference. */
type Movement = { captured: string; amount: number } | { back: string; amount: number }

let movements: Movement[]
beforeEach(() => {
  movements = []
})

/** What is said of the only order, which promised 60 for what is called `it`. */
async function problems({ lost = true } = {}) {
  let balance = 0
  const postings = movements.map((each) => {
    balance += 'back' in each ? -each.amount : each.amount
    return {
      order_id: 'o',
      refund: 'back' in each ? each.back : null,
      shipment_id: 'captured' in each ? each.captured : null,
      balance: `${balance}`,
    }
  })
  const paid = movements.flatMap((each) =>
    'back' in each ? [{ reference: each.back, amount: `${each.amount}` }] : [],
  )
  const sources = {
    query: async (database: string, sql: string) => {
      if (database === 'orders') return [{ id: 'it', order_id: 'o', amount: '60', or_what_is_left: lost }]
      return sql.includes('ledger_entries') ? postings : paid
    },
  } as unknown as Sources
  return (await checkRefunds(sources)).map(({ problem }) => problem)
}

const captured = (shipment: string, amount: number) => ({ captured: shipment, amount })
const back = (reference: string, amount: number) => ({ back: reference, amount })

describe('a lost parcel', () => {
  it.each([
    ['all that it promised', [captured('it', 60), captured('other', 40), back('it', 60)]],
    ['all that there was', [captured('it', 60), back('hand', 15), back('it', 45)]],
    [
      'all that there was then',
      [captured('it', 60), back('hand', 15), back('it', 45), captured('other', 40)],
    ],
    ['nothing when nothing was left', [captured('it', 60), back('hand', 60), captured('other', 40)]],
    [
      'nothing where it took a lost one’s place and nothing was left',
      [captured('instead', 60), back('hand', 60)],
    ],
  ])('gave back %s', async (_what, moved) => {
    movements = moved
    expect(await problems()).toEqual([])
  })

  it.each([
    [
      'less than there was',
      45,
      [captured('it', 60), captured('other', 40), back('hand', 15), back('it', 45)],
    ],
    ['more than it promised', 70, [captured('it', 70), back('it', 70)]],
    ['nothing', 0, [captured('it', 60)]],
    [
      'nothing after the rest had gone back',
      0,
      [captured('other', 40), back('hand', 40), captured('it', 60)],
    ],
    ['nothing where nothing was captured', 0, []],
  ])('gave back %s', async (_what, amount, moved) => {
    movements = moved
    expect(await problems()).toEqual([`gives back 60, paid back is ${amount}`])
  })
})

it('says of a return that it gave back less, whatever was left', async () => {
  movements = [captured('any', 60), back('hand', 15), back('it', 45)]
  expect(await problems({ lost: false })).toEqual(['gives back 60, paid back is 45'])
})
