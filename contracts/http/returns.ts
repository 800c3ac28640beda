/** Returns: what customers send back, and what becomes of it. Routes of the orders service. */
import Type, { type Static } from 'typebox'
import {
  Amount,
  Closed,
  Id,
  MAX_ORDER_LINES,
  Page,
  PageQuery,
  Quantity,
  Sku,
  WarehouseCode,
} from '../schemas.ts'
import { RETURN, statesOf } from '../states.ts'
import { route } from './route.ts'

const IdParams = Closed({ id: Id })
const Reason = Type.String({ minLength: 1, maxLength: 500 })

const ReturnLine = Closed({ sku: Sku, quantity: Quantity, reason: Reason })

export const Return = Type.Object({
  id: Id,
  orderId: Id,
  status: Type.Enum(statesOf(RETURN)),
  lines: Type.Array(ReturnLine),
  refund: Type.Union([Amount, Type.Null()], {
    description: 'what it gives back, minor units; null until that is known',
  }),
})
export type Return = Static<typeof Return>

export const ReturnBody = Closed({
  lines: Type.Array(ReturnLine, { minItems: 1, maxItems: MAX_ORDER_LINES }),
})
export type ReturnBody = Static<typeof ReturnBody>

export const requestReturn = route({
  method: 'POST',
  url: '/api/v1/orders/:id/returns',
  summary: 'Send something back',
  tag: 'returns',
  access: ['customer'],
  scope: 'orders:write',
  idempotency: 'required',
  ifMatch: 'order',
  schema: { params: IdParams, body: ReturnBody, response: { 201: Return } },
})

export const listReturns = route({
  method: 'GET',
  url: '/api/v1/returns',
  summary: 'My returns; all of them for an operator. Newest first',
  tag: 'returns',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:read',
  schema: {
    querystring: Closed({ ...PageQuery, status: Type.Optional(Type.Enum(statesOf(RETURN))) }),
    response: { 200: Page(Return) },
  },
})

export const readReturn = route({
  method: 'GET',
  url: '/api/v1/returns/:id',
  summary: 'One return',
  tag: 'returns',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:read',
  schema: { params: IdParams, response: { 200: Return } },
})

export const approveReturn = route({
  method: 'POST',
  url: '/api/v1/returns/:id/approve',
  summary: 'Agree to a return: the customer may send the goods',
  tag: 'returns',
  access: ['operator', 'admin'],
  idempotency: 'required',
  ifMatch: 'return',
  schema: { params: IdParams, body: Closed({}), response: { 202: Return } },
})

export const rejectReturn = route({
  method: 'POST',
  url: '/api/v1/returns/:id/reject',
  summary: 'Refuse a return',
  tag: 'returns',
  access: ['operator', 'admin'],
  idempotency: 'optional',
  ifMatch: 'return',
  schema: { params: IdParams, body: Closed({ reason: Type.Optional(Reason) }), response: { 202: Return } },
})

export const receiveReturn = route({
  method: 'POST',
  url: '/api/v1/returns/:id/receive',
  summary: 'The goods have arrived: back into stock, or written off',
  tag: 'returns',
  access: ['operator', 'admin'],
  idempotency: 'required',
  ifMatch: 'return',
  schema: {
    params: IdParams,
    body: Closed({ warehouse: WarehouseCode, disposition: Type.Enum(['restock', 'write_off']) }),
    response: { 202: Return },
  },
})

export const cancelReturn = route({
  method: 'POST',
  url: '/api/v1/returns/:id/cancel',
  summary: 'Keep the goods after all',
  tag: 'returns',
  access: ['customer'],
  scope: 'orders:write',
  idempotency: 'optional',
  ifMatch: 'return',
  schema: { params: IdParams, body: Closed({}), response: { 202: Return } },
})
