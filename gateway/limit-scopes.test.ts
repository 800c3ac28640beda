import { describe, expect, test } from 'vitest'
import { scopeOf } from './limit-scopes.ts'
import { LIMITS, type LimitName } from './limits.ts'
import { ROUTES } from './routes.ts'

const NAMES = Object.keys(LIMITS) as LimitName[]

/** Whether somebody who reads the words takes this call to be counted. */
const saysSo = (words: string, method: string, url: string): boolean =>
  words
    .replace(/ from one address$/, '')
    .split(', ')
    .some((part) => {
      if (!part.endsWith(' and below')) return part === `${method} ${url}` || part === url
      const area = part.slice(0, -' and below'.length)
      return url === area || url.startsWith(`${area}/`)
    })

describe('what a limit is said to count', () => {
  test.each(ROUTES.map(({ contract, limit }) => [contract.method, contract.url, limit] as const))(
    '%s %s: by %s and by no other',
    (method, url, limit) => {
      expect(NAMES.filter((name) => saysSo(scopeOf(name), method, url))).toEqual([limit])
    },
  )

  test('is something for each, and names the address where that is counted', () => {
    for (const name of NAMES) {
      expect(scopeOf(name)).toMatch(/^(\/|[A-Z]+ \/|everything)/)
      expect([name, scopeOf(name).includes('from one address')]).toEqual([
        name,
        LIMITS[name].counts === 'address',
      ])
    }
  })

  test('are whole areas where they can be, and calls where an area has several limits', () => {
    expect(scopeOf('orders')).toBe(
      '/api/v1/orders and below, GET /api/v1/returns, GET /api/v1/returns/:id, POST /api/v1/returns/:id/cancel',
    )
    expect(scopeOf('public')).toBe(
      '/.well-known/jwks.json, GET /api/v1/products, GET /api/v1/products/:sku, /api/v1/quotes',
    )
  })
})
