/** The inventory service: products, stock and reservations. */
import { createInventoryActivities } from '#activities/inventory.ts'
import { probeDatabase } from '#platform/database.ts'
import { defineService, runService } from '#platform/service.ts'
import { createAdjustStock } from './adjust-stock.ts'
import { loadAllocation } from './allocation/load.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { inventoryConfig } from './config.ts'
import { inventoryConsumers, SHIPMENTS_CONSUMER } from './consumers.ts'
import { createExpireReservation, createFindExpiredHolds } from './expire-reservation.ts'
import { createExtendReservation } from './extend-reservation.ts'
import { createFindProducts } from './find-products.ts'
import { createPutProduct } from './put-product.ts'
import { createReadStock } from './read-stock.ts'
import { createReleaseParcelStock } from './release-parcel-stock.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createRemoveProduct } from './remove-product.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createRestock } from './restock.ts'
import { addInventoryRoutes } from './routes.ts'
import { createServeBackorders } from './serve-backorders.ts'
import { createShipReservation } from './ship-reservation.ts'
import { openDatabase } from './store.ts'

export const inventoryService = defineService({
  name: 'inventory',
  config: inventoryConfig,
  async build(context) {
    const { config, logger } = context
    const database = openDatabase(config.DATABASE_URL, config.DATABASE_POOL)
    const transact = context.outbox(database, config)
    const granting = {
      transact,
      holdMinutes: config.HOLD_MINUTES,
      allocate: await loadAllocation(config.ALLOCATION),
    }
    const useCases = {
      database,
      findProducts: createFindProducts(database),
      putProduct: createPutProduct({ transact }),
      removeProduct: createRemoveProduct({ transact }),
      readStock: createReadStock(database),
      adjustStock: createAdjustStock({ database, transact }),
    }
    return {
      routes: (app, verifyCaller) => addInventoryRoutes(app, verifyCaller, useCases),
      worker: {
        activities: createInventoryActivities({
          reserveStock: createReserveStock(granting),
          commitReservation: createCommitReservation({ transact }),
          extendReservation: createExtendReservation({ transact }),
          releaseReservation: createReleaseReservation({ transact }),
          releaseParcelStock: createReleaseParcelStock({ transact }),
          restock: createRestock({ transact }),
          findExpiredHolds: createFindExpiredHolds(database),
          expireReservation: createExpireReservation({ transact }),
        }),
        workflows: false,
      },
      consumers: inventoryConsumers({
        shipReservation: createShipReservation({ transact, consumer: SHIPMENTS_CONSUMER, logger }),
        serveBackorders: createServeBackorders({ database, ...granting }),
      }),
      probes: { database: probeDatabase(database) },
      close: () => database.$disconnect(),
    }
  },
})

if (import.meta.main) await runService(inventoryService)
