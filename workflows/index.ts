/** What the workflow bundle exports: the names here are the workflow types. */
export { order } from './order.ts'
export { reconciliation } from './reconciliation.ts'
export { returnGoods as return } from './return.ts'
export { shipment } from './shipment.ts'
