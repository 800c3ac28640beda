/** Schemas that several contracts share. Objects are closed: a field that is not named here is refused. */
import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { MAX_AMOUNT } from './money.ts'

/** An object that refuses unknown fields. */
export const Closed = <P extends TProperties>(properties: P, options: object = {}): TObject<P> =>
  Type.Object(properties, { additionalProperties: false, ...options })

export const Id = Type.String({ format: 'uuid', description: 'UUID' })
/** What both JavaScript and PostgreSQL can hold: `date-time` alone lets year 0, leap seconds and any offset through. */
export const Timestamp = Type.String({
  format: 'date-time',
  pattern: '^[1-9]\\d{3}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:[0-5]\\d(\\.\\d{1,9})?Z$',
  description: 'ISO 8601, UTC',
})
export const Sku = Type.String({ pattern: '^[A-Z0-9][A-Z0-9-]{0,63}$', examples: ['TEE-BLACK-M'] })
export const WarehouseCode = Type.String({ pattern: '^[A-Z0-9]{2,16}$', examples: ['AMS'] })
export const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217', examples: ['EUR'] })
export const Amount = Type.Integer({
  minimum: 0,
  maximum: MAX_AMOUNT,
  description: 'minor units of the currency',
})
export const MAX_ORDER_LINES = 50
export const MAX_LINE_QUANTITY = 10_000
/** Of one line. */
export const Quantity = Type.Integer({ minimum: 1, maximum: MAX_LINE_QUANTITY })
export const Version = Type.Integer({ minimum: 0 })

/** Units of a product, those of all lines that name it: more than one line can have. */
export const SkuQuantity = Closed({
  sku: Sku,
  quantity: Type.Integer({ minimum: 1, maximum: MAX_ORDER_LINES * MAX_LINE_QUANTITY }),
})
export type SkuQuantity = Static<typeof SkuQuantity>

/** What one warehouse sends: the result of allocating an order to warehouses. */
export const Allocation = Closed({ warehouse: WarehouseCode, lines: Type.Array(SkuQuantity) })
export type Allocation = Static<typeof Allocation>

/** With something to read in it. */
const text = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^(?=.*\\S)[^\\u0000-\\u001f]*$' })

export const Address = Closed({
  name: text(120),
  line1: text(200),
  line2: Type.Optional(text(200)),
  city: text(120),
  postalCode: text(20),
  region: Type.Optional(text(120)),
  country: Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2' }),
})
export type Address = Static<typeof Address>

export const Role = Type.Enum(['customer', 'operator', 'courier', 'admin'])
export type Role = Static<typeof Role>

export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  instance: Type.String(),
  requestId: Type.String(),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
})
export type Problem = Static<typeof Problem>

export const HealthCheck = Type.Object({
  status: Type.Enum(['up', 'down']),
  latencyMs: Type.Number(),
  detail: Type.Optional(Type.String()),
})
export type HealthCheck = Static<typeof HealthCheck>

export const Health = Type.Object({
  status: Type.Enum(['healthy', 'degraded']),
  version: Type.String(),
  uptime: Type.Number({ description: 'seconds' }),
  checks: Type.Record(Type.String(), HealthCheck),
})
export type Health = Static<typeof Health>

/** A page of a list: at most `limit` rows and the opaque cursor of the next page. */
export const Page = <S extends Parameters<typeof Type.Array>[0]>(row: S) =>
  Type.Object({ data: Type.Array(row), nextCursor: Type.Union([Type.String(), Type.Null()]) })

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
}
