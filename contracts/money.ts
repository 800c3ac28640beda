/**
 * Money is an integer of minor units (cents, yen, fils) beside an ISO 4217 code. These functions are pure and safe in a
 * workflow; intermediate products are bigint, so no amount up to MAX_AMOUNT loses a unit.
 */

/** The largest amount the platform accepts: 10^12 minor units. */
export const MAX_AMOUNT = 1_000_000_000_000

/** ISO 4217 minor-unit exponents that are not 2 (source: ISO 4217 list one, amendment 177). */
const EXPONENTS: Readonly<Record<string, number>> = {
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
}

/** Number of decimal places of a currency: 2 for EUR, 0 for JPY, 3 for KWD. */
export const exponentOf = (currency: string): number => EXPONENTS[currency] ?? 2

/** `1990, 'EUR'` → `"19.90 EUR"`, for people; machines get the integer. */
export function formatMoney(amount: number, currency: string): string {
  const exponent = exponentOf(currency)
  const digits = String(Math.abs(amount)).padStart(exponent + 1, '0')
  const sign = amount < 0 ? '-' : ''
  if (exponent === 0) return `${sign}${digits} ${currency}`
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)} ${currency}`
}

/** numerator ÷ denominator, half rounded up; both non-negative. */
function divideHalfUp(numerator: bigint, denominator: bigint): number {
  return Number((2n * numerator + denominator) / (2n * denominator))
}

/** Tax on an amount that excludes it. `rate` in basis points (2100 = 21 %); rounded half up to the minor unit. */
export function taxOn(amount: number, rate: number): number {
  return divideHalfUp(BigInt(amount) * BigInt(rate), 10_000n)
}

/**
 * The share of `amount` that units `from + 1 … to` of `quantity` carry. Shares of adjoining ranges add up exactly to
 * the share of the whole range, so that parcels and returns of one line sum to the line.
 */
export function shareOf(amount: number, quantity: number, from: number, to: number): number {
  const upTo = (units: number) => divideHalfUp(BigInt(amount) * BigInt(units), BigInt(quantity))
  return upTo(to) - upTo(from)
}

export const sum = (amounts: Iterable<number>): number => {
  let total = 0
  for (const amount of amounts) total += amount
  return total
}
