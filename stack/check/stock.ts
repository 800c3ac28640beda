/** Invariant 4: stock is what came minus what left, and nothing is promised twice. */
import type { Finding } from './findings.ts'
import type { Sources } from './sources.ts'

interface StockRow {
  sku: string
  warehouse: string
  on_hand: number
  held: number
  committed: number
  moved: string
  reserved_held: string
  reserved_committed: string
}

export async function checkStock(sources: Sources): Promise<Finding[]> {
  const rows = await sources.query<StockRow>(
    'inventory',
    `SELECT sku, warehouse, on_hand, held, committed,
       (SELECT coalesce(sum(CASE kind WHEN 'shipped' THEN -quantity ELSE quantity END), 0) FROM stock_movements AS movement
         WHERE movement.sku = stock.sku AND movement.warehouse = stock.warehouse) AS moved,
       (SELECT coalesce(sum(line.quantity), 0)
         FROM reservation_lines AS line JOIN reservations ON reservations.id = line.reservation_id
         WHERE line.sku = stock.sku AND line.warehouse = stock.warehouse AND status = 'held') AS reserved_held,
       (SELECT coalesce(sum(line.quantity - line.shipped - line.released), 0)
         FROM reservation_lines AS line JOIN reservations ON reservations.id = line.reservation_id
         WHERE line.sku = stock.sku AND line.warehouse = stock.warehouse AND status = 'committed') AS reserved_committed
     FROM stock`,
  )
  return rows.flatMap((row) => {
    const subject = `${row.sku} in ${row.warehouse}`
    const problems = [
      ...(Number(row.moved) === row.on_hand ? [] : [`${row.on_hand} on hand, movements say ${row.moved}`]),
      ...(row.on_hand >= row.held + row.committed
        ? []
        : [`${row.held} held and ${row.committed} committed of ${row.on_hand}`]),
      ...(Number(row.reserved_held) === row.held
        ? []
        : [`${row.held} held, reservations say ${row.reserved_held}`]),
      ...(Number(row.reserved_committed) === row.committed
        ? []
        : [`${row.committed} committed, reservations say ${row.reserved_committed}`]),
    ]
    return problems.map<Finding>((problem) => ({ invariant: 4, subject, problem }))
  })
}
