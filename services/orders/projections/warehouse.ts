import type { Apply } from './apply.ts'

/** Keeps which warehouses there are: those whose stock was ever counted. */
export const projectWarehouse: Apply = async (tx, event) => {
  if (event.eventType !== 'stock.adjusted') return
  const { warehouse } = event.payload
  await tx.$executeRaw`INSERT INTO known_warehouses (code) VALUES (${warehouse}) ON CONFLICT DO NOTHING`
}
