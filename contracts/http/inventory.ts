/** Products, warehouses and stock: the inventory service's public routes. */
import Type, { type Static } from 'typebox'
import {
  Amount,
  Closed,
  Currency,
  Id,
  Page,
  PageQuery,
  Sku,
  Timestamp,
  Version,
  WarehouseCode,
} from '../schemas.ts'
import { route } from './route.ts'

const SkuParams = Closed({ sku: Sku })
const ProductName = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f]*$' })

export const TaxClass = Type.Enum(['standard', 'reduced', 'zero'])
export type TaxClass = Static<typeof TaxClass>

const productFields = {
  name: ProductName,
  price: Amount,
  currency: Currency,
  taxClass: TaxClass,
  weightGrams: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
  active: Type.Boolean(),
}

export const Product = Type.Object({
  sku: Sku,
  ...productFields,
  available: Type.Integer({ description: 'units that can be ordered now, all warehouses' }),
  version: Version,
  updatedAt: Timestamp,
})
export type Product = Static<typeof Product>

export const ProductBody = Closed({
  ...productFields,
  active: Type.Optional(Type.Boolean({ default: true })),
})
export type ProductBody = Static<typeof ProductBody>

export const StockLevel = Type.Object({
  sku: Sku,
  warehouses: Type.Array(
    Type.Object({
      warehouse: WarehouseCode,
      onHand: Type.Integer(),
      held: Type.Integer(),
      committed: Type.Integer(),
      available: Type.Integer(),
    }),
  ),
})
export type StockLevel = Static<typeof StockLevel>

export const Warehouse = Type.Object({ code: WarehouseCode, name: Type.String(), priority: Type.Integer() })
export type Warehouse = Static<typeof Warehouse>

export const listProducts = route({
  method: 'GET',
  url: '/api/v1/products',
  summary: 'Products for sale, with availability',
  tag: 'products',
  access: 'anyone',
  scope: 'products:read',
  schema: {
    querystring: Closed({ ...PageQuery, q: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })) }),
    response: { 200: Page(Product) },
  },
})

export const readProduct = route({
  method: 'GET',
  url: '/api/v1/products/:sku',
  summary: 'One product',
  tag: 'products',
  access: 'anyone',
  scope: 'products:read',
  schema: { params: SkuParams, response: { 200: Product } },
})

export const putProduct = route({
  method: 'PUT',
  url: '/api/v1/products/:sku',
  summary: 'Create or change a product',
  tag: 'products',
  access: ['operator', 'admin'],
  scope: 'products:write',
  idempotency: 'optional',
  ifMatch: 'product',
  schema: { params: SkuParams, body: ProductBody, response: { 200: Product, 201: Product } },
})

export const removeProduct = route({
  method: 'DELETE',
  url: '/api/v1/products/:sku',
  summary: 'Take a product off sale (it stays readable in old orders)',
  tag: 'products',
  access: ['operator', 'admin'],
  scope: 'products:write',
  idempotency: 'optional',
  ifMatch: 'product',
  schema: { params: SkuParams, response: { 204: Type.Null() } },
})

export const listWarehouses = route({
  method: 'GET',
  url: '/api/v1/warehouses',
  summary: 'Warehouses',
  tag: 'stock',
  access: ['operator', 'admin'],
  schema: { response: { 200: Page(Warehouse) } },
})

export const readStock = route({
  method: 'GET',
  url: '/api/v1/stock/:sku',
  summary: 'Stock of one product, per warehouse',
  tag: 'stock',
  access: ['operator', 'admin'],
  scope: 'products:read',
  schema: { params: SkuParams, response: { 200: StockLevel } },
})

export const Adjustment = Type.Object({
  id: Id,
  sku: Sku,
  warehouse: WarehouseCode,
  delta: Type.Integer(),
  reason: Type.String(),
  onHand: Type.Integer(),
  createdAt: Timestamp,
})
export type Adjustment = Static<typeof Adjustment>

export const adjustStock = route({
  method: 'POST',
  url: '/api/v1/stock/:sku/adjustments',
  summary: 'Receive or write off stock',
  tag: 'stock',
  access: ['operator', 'admin'],
  scope: 'stock:write',
  idempotency: 'required',
  schema: {
    params: SkuParams,
    body: Closed({
      warehouse: WarehouseCode,
      delta: Type.Integer({
        minimum: -1_000_000,
        maximum: 1_000_000,
        not: { const: 0 },
        description:
          'units that come in, or are written off; a warehouse holds 100000000 of a product at the most',
      }),
      reason: Type.String({ minLength: 1, maxLength: 200 }),
    }),
    response: { 201: Adjustment },
  },
})
