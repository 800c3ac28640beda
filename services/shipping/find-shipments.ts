/** Parcels as clients see them. */
import type { Shipment } from '#contracts/http/shipping.ts'
import type { ShipmentStatus } from '#contracts/states.ts'
import { decodeCursor, NewestFirst, toPage } from '#platform/keyset.ts'
import { notFound } from '#platform/problem.ts'
import type { ShippingDatabase } from './store.ts'
import { parseShipment } from './shipments.ts'

export interface FindShipments {
  /**
   * @param owner whose parcel it must be; null: anybody's
   * @throws ProblemError `not_found`
   */
  read(id: string, owner: string | null): Promise<Shipment>
  list(search: {
    limit: number
    cursor?: string
    status?: ShipmentStatus
  }): Promise<{ data: Shipment[]; nextCursor: string | null }>
}

/** The tombstone of a shipment that was cancelled before it was there is nobody's business. */
const REAL = { version: { gt: 0 } }

const WITH_HISTORY = { history: { orderBy: { position: 'asc' } } } as const

export const createFindShipments = (database: ShippingDatabase): FindShipments => ({
  async read(id, owner) {
    const row = await database.shipment.findFirst({
      where: { ...REAL, id, ...(owner === null ? {} : { customerId: owner }) },
      include: WITH_HISTORY,
    })
    if (row === null) throw notFound('parcel')
    return present(row)
  },
  async list({ limit, cursor, status }) {
    const after = decodeCursor(NewestFirst, cursor)
    const rows = await database.shipment.findMany({
      where: {
        ...REAL,
        ...(status === undefined ? {} : { status }),
        ...(after === undefined
          ? {}
          : { OR: [{ createdAt: { lt: after[0] } }, { createdAt: after[0], id: { lt: after[1] } }] }),
      },
      include: WITH_HISTORY,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    const page = toPage(rows, limit, (row) => [row.createdAt.toISOString(), row.id])
    return { data: page.data.map(present), nextCursor: page.nextCursor }
  },
})

interface StoredShipment {
  id: string
  orderId: string
  warehouse: string
  status: string
  lines: unknown
  carrier: string | null
  trackingNumber: string | null
  replaces: string | null
  history: { status: string; at: Date }[]
}

const present = (row: StoredShipment): Shipment =>
  parseShipment({
    id: row.id,
    orderId: row.orderId,
    warehouse: row.warehouse,
    status: row.status,
    lines: row.lines,
    carrier: row.carrier,
    trackingNumber: row.trackingNumber,
    ...(row.replaces === null ? {} : { replaces: row.replaces }),
    history: row.history.map(({ status, at }) => ({ status, at: at.toISOString() })),
  })
