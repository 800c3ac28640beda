/** What the workflow bundle exports: the names here are the workflow types. */
export { order } from './order.ts'
export { shipment } from './shipment.ts'
