/** The orders service: orders, their timeline, and the worker that hosts the order workflow. */
import { createOrdersActivities } from '#activities/orders.ts'
import { returnWorkflowId } from '#contracts/return-workflow.ts'
import { shipmentWorkflowId } from '#contracts/workflows.ts'
import { probeDatabase } from '#platform/database.ts'
import { createDeadLetters } from '#platform/events/redrive.ts'
import { defineService, runService } from '#platform/service.ts'
import { createAmendOrder } from './amendments/amend-order.ts'
import { createQuoteAmendment } from './amendments/quote-amendment.ts'
import { createApplyAmendment, createRefuseAmendment } from './amendments/settle-amendment.ts'
import { createClearAttention, createRaiseAttention } from './attention.ts'
import { createCommandOrder } from './command-order.ts'
import { createRaiseConcern, createSettleConcern } from './concerns.ts'
import { ordersConfig } from './config.ts'
import { createConsumers } from './consumers.ts'
import { registerDeadLetterRoutes } from './dead-letters.ts'
import { createLiveTimeline } from './live/live-timeline.ts'
import { createListAttention } from './list-attention.ts'
import { createListOrders } from './list-orders.ts'
import { createLoadShippingAddress } from './load-shipping-address.ts'
import { createOperateOrder } from './operate-order.ts'
import { sagaPolicy } from './order-input.ts'
import { createOrderWorkflows } from './order-workflow.ts'
import { createPlaceOrder } from './place-order.ts'
import { loadShippingRates } from './pricing/shipping/load.ts'
import { loadTaxPolicy } from './pricing/tax/load.ts'
import { createReadTimeline } from './read-timeline.ts'
import { createRecordProgress } from './record-progress.ts'
import { createCheckParcels } from './reconciliation/check-parcels.ts'
import { createCheckReturns } from './reconciliation/check-returns.ts'
import { createCheckWorkflows } from './reconciliation/check-workflows.ts'
import { createFindRunning } from './reconciliation/find-running.ts'
import { createRecordFindings } from './reconciliation/record-findings.ts'
import { keepReconciliationScheduled } from './reconciliation/schedule.ts'
import { createTellOfParcels } from './reconciliation/tell-of-parcels.ts'
import { createWorkflowStates } from './reconciliation/workflow-states.ts'
import { createCommandReturn } from './returns/command-return.ts'
import { createListReturns } from './returns/find-returns.ts'
import { createQuoteLostParcel } from './returns/quote-lost-parcel.ts'
import { createQuoteShippingBack } from './returns/quote-shipping-back.ts'
import { createRecordReturn } from './returns/record-return.ts'
import { createRequestReturn } from './returns/request-return.ts'
import { returnTerms } from './returns/return-input.ts'
import { createReturnWorkflows } from './returns/return-workflow.ts'
import { createStartReturn, startReturnRelay } from './returns/start-returns.ts'
import { createReviseOrder } from './revise-order.ts'
import { registerRoutes } from './routes.ts'
import { createStartOrder, startWorkflowRelay } from './start-workflows.ts'
import { openDatabase } from './store.ts'
import { createWakeUps } from './wake-ups.ts'

export const ordersService = defineService({
  name: 'orders',
  config: ordersConfig,
  async build({ config, logger, temporal, bus, outbox }) {
    const database = openDatabase(config.DATABASE_URL, config.DATABASE_POOL)
    const transact = outbox(database, config)
    const workflows = createOrderWorkflows(temporal.client)
    const policy = sagaPolicy(config)
    const returnWorkflows = createReturnWorkflows(temporal.client)
    const terms = returnTerms(config, policy)
    const pricing = {
      tax: await loadTaxPolicy(config.TAX_POLICY),
      shipping: await loadShippingRates(config.SHIPPING_RATES),
    }
    const wakeUps = createWakeUps({ database, transact, workflows, logger })
    const startOrder = createStartOrder({ database, workflows, policy })
    const startReturn = createStartReturn({ database, returnWorkflows, terms })
    const statesOf = createWorkflowStates(temporal.client)
    const settleConcern = createSettleConcern(transact)
    const checkWorkflows = createCheckWorkflows({
      database,
      statesOf,
      startOrder,
      settleConcern,
      tellOfParcels: createTellOfParcels({ database, workflows, logger }),
      logger,
    })
    const checkReturns = createCheckReturns({
      database,
      statesOf: createWorkflowStates(temporal.client, returnWorkflowId),
      startReturn,
      settleConcern,
      logger,
    })
    const checkParcels = createCheckParcels({
      database,
      statesOf: createWorkflowStates(temporal.client, shipmentWorkflowId),
      settleConcern,
    })
    const commandOrder = createCommandOrder({ database, workflows, policy })
    return {
      routes(app, verifyCaller) {
        registerRoutes(app, verifyCaller, {
          database,
          placeOrder: createPlaceOrder({ database, transact, pricing }),
          startOrder,
          listOrders: createListOrders(database),
          readTimeline: createReadTimeline(database),
          listAttention: createListAttention(database),
          pricing,
          commandOrder,
          liveTimeline: createLiveTimeline({ database, logger }),
          requestReturn: createRequestReturn(transact),
          startReturn,
          listReturns: createListReturns(database),
          commandReturn: createCommandReturn({ database, returnWorkflows, terms }),
          amendOrder: createAmendOrder({ database, workflows, policy, pricing }),
          operateOrder: createOperateOrder({ database, transact, commandOrder, returnWorkflows }),
          logger,
        })
        registerDeadLetterRoutes(app, verifyCaller, { database, deadLetters: createDeadLetters(bus) })
      },
      worker: {
        workflows: true,
        activities: createOrdersActivities({
          recordProgress: createRecordProgress(transact),
          raiseAttention: createRaiseAttention(transact),
          clearAttention: createClearAttention(transact),
          reviseOrder: createReviseOrder({ transact, pricing }),
          quoteAmendment: createQuoteAmendment({ transact, pricing }),
          applyAmendment: createApplyAmendment(transact),
          refuseAmendment: createRefuseAmendment(transact),
          recordReturn: createRecordReturn(transact),
          quoteLostParcel: createQuoteLostParcel(transact),
          quoteShippingBack: createQuoteShippingBack(transact),
          checkWorkflows,
          checkParcels,
          checkReturns,
          findRunning: createFindRunning({ database, statesOf }),
          recordFindings: createRecordFindings({ transact, logger }),
          raiseConcern: createRaiseConcern(transact),
          settleConcern,
          loadShippingAddress: createLoadShippingAddress(database),
          requestCancellation: ({ workflowId }) => workflows.requestCancellation(workflowId),
        }),
      },
      consumers: [...createConsumers(transact, config), wakeUps.consumer],
      background: () => [
        wakeUps.startRelay(),
        keepReconciliationScheduled(temporal.client, config.RECONCILE_MINUTES, logger),
        startReturnRelay({ database, returnWorkflows, terms, logger }),
        startWorkflowRelay({ database, workflows, policy, logger }),
      ],
      probes: { database: probeDatabase(database) },
      close: () => database.$disconnect(),
    }
  },
})

if (import.meta.main) await runService(ordersService)
