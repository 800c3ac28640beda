/**
 * `npm run histories:record`: runs real orders on a stack of its own and keeps their histories. Do this when a change of
 * the workflows is meant to be incompatible, or when a new path is worth keeping; never to make a failing replay pass.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { Order } from '#contracts/http/orders.ts'
import { orderWorkflowId, shipmentWorkflowId } from '#contracts/workflows.ts'
import { signIn, type ApiClient } from '#stack/demo/client.ts'
import { DEMO_ADDRESS } from '#stack/demo/addresses.ts'
import { freePorts } from '#stack/ports.ts'
import { loadPlatformKeys } from '#stack/platform-keys.ts'
import { createProgress } from '#stack/progress.ts'
import { startStack, type Stack } from '#stack/stack.ts'
import { HISTORIES, RECORDING_KEY } from './replay-histories.ts'

const SETTINGS = {
  SAGA_STEP_ATTEMPTS: '3',
  SAGA_COMPENSATION_ATTEMPTS: '2',
  SAGA_MAXIMUM_INTERVAL_SECONDS: '1',
  CARRIER_DISPATCH_MS: '300',
  CARRIER_DELIVERY_MS: '300',
  PROVIDER_SLOW_MS: '1500',
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const progress = createProgress(print)

/** What a scenario works with. */
interface Recorder {
  stack: Stack
  customer: ApiClient
  operator: ApiClient
  /** Places an order and waits until it is where it is to be recorded. */
  order: (change: { sku: string; quantity: number; paymentMethod?: string }) => Promise<Order>
  reaches: (id: string, accept: (order: Order) => boolean) => Promise<Order>
  provider: (path: string, body?: object) => Promise<void>
  /** Sends a command that must be accepted. */
  command: (client: ApiClient, path: string, body?: object, key?: string) => Promise<void>
  keep: (name: string, workflowId: string) => Promise<void>
}

const is =
  (...statuses: Order['status'][]) =>
  (order: Order): boolean =>
    statuses.includes(order.status)

/** Each scenario leaves one history, or two with its parcel's. */
const SCENARIOS: Record<string, (recorder: Recorder, name: string) => Promise<void>> = {
  async happy({ order, reaches, keep }, name) {
    const { id } = await order({ sku: 'MUG-WHITE', quantity: 2 })
    const { shipments } = await reaches(
      id,
      (seen) => seen.status === 'completed' && seen.shipments[0]?.status === 'delivered',
    )
    await keep(name, orderWorkflowId(id))
    await keep('shipment', shipmentWorkflowId(shipments[0]?.id ?? ''))
  },
  async split({ order, reaches, keep }, name) {
    const { id } = await order({ sku: 'LAMP-OAK', quantity: 8 })
    await reaches(id, is('completed'))
    await keep(name, orderWorkflowId(id))
  },
  async declined({ order, reaches, keep }, name) {
    const { id } = await order({
      sku: 'MUG-WHITE',
      quantity: 1,
      paymentMethod: 'pm_card_visa_chargeDeclined',
    })
    await reaches(id, is('rejected'))
    await keep(name, orderWorkflowId(id))
  },
  async 'out-of-stock'({ order, reaches, keep }, name) {
    const { id } = await order({ sku: 'CHAIR-ASH', quantity: 1 })
    await reaches(id, is('rejected'))
    await keep(name, orderWorkflowId(id))
  },
  async cancelled({ order, reaches, keep, customer, command }, name) {
    const { id } = await order({ sku: 'MUG-WHITE', quantity: 1, paymentMethod: 'pm_sandbox_slow' })
    await reaches(id, is('authorizing'))
    await command(customer, `/api/v1/orders/${id}/cancel`, { reason: 'changed my mind' })
    await reaches(id, is('cancelled'))
    await keep(name, orderWorkflowId(id))
  },
  async 'compensation-retried'({ order, reaches, keep, customer, operator, provider, command }, name) {
    await provider('/faults', { mode: 'slow' })
    const { id } = await order({ sku: 'MUG-WHITE', quantity: 1, paymentMethod: 'pm_sandbox_void_fails' })
    await reaches(id, is('authorizing'))
    await command(customer, `/api/v1/orders/${id}/cancel`)
    await reaches(id, (seen) => seen.needsAttention)
    await provider('/faults/clear')
    await command(
      operator,
      `/api/v1/orders/${id}/operations`,
      { action: 'retry', note: 'provider is back' },
      id,
    )
    await reaches(id, is('cancelled'))
    await keep(name, orderWorkflowId(id))
  },
  async 'capture-retried'({ order, reaches, keep, operator, provider, command }, name) {
    const { id } = await order({ sku: 'MUG-WHITE', quantity: 1, paymentMethod: 'pm_sandbox_capture_fails' })
    await reaches(id, (seen) => seen.needsAttention)
    await provider('/faults/clear')
    await command(
      operator,
      `/api/v1/orders/${id}/operations`,
      { action: 'retry', note: 'the card works again' },
      id,
    )
    await reaches(id, is('completed'))
    await keep(name, orderWorkflowId(id))
  },
  async running({ order, reaches, keep }, name) {
    const { id } = await order({ sku: 'MUG-WHITE', quantity: 1, paymentMethod: 'pm_sandbox_slow' })
    await reaches(id, is('authorizing'))
    await keep(name, orderWorkflowId(id))
  },
}

async function record(names: string[], suffix: string, settings: Record<string, string>): Promise<void> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mainstay-record-'))
  const stack = await startStack({
    dataFolder,
    ports: await freePorts(),
    settings: { ...SETTINGS, ...settings },
    survivesPowerFailure: false,
  })
  const connection = await Connection.connect({ address: stack.infrastructure.temporalAddress })
  try {
    const recorder = await createRecorder(stack, new Client({ connection }), suffix)
    for (const name of names) {
      await SCENARIOS[name]?.(recorder, name)
      progress(`recorded ${name}${suffix}`)
    }
  } finally {
    await connection.close()
    await stack.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
}

async function createRecorder(stack: Stack, temporal: Client, suffix: string): Promise<Recorder> {
  const customer = await signIn(stack.gatewayUrl, 'customer@mainstay.test')
  const operator = await signIn(stack.gatewayUrl, 'operator@mainstay.test')
  const { providerApiKey } = await loadPlatformKeys(stack.dataFolder)
  return {
    stack,
    customer,
    operator,
    order: ({ sku, quantity, paymentMethod = 'pm_card_visa' }) =>
      customer.placeOrder({ lines: [{ sku, quantity }], paymentMethod, shippingAddress: DEMO_ADDRESS }),
    async reaches(id, accept) {
      for (let attempt = 0; attempt < 120; attempt++) {
        const order = await operator.readOrder(id)
        if (accept(order)) return order
        await sleep(250)
      }
      throw new Error(
        `order ${id} does not get where it is to be recorded: ${JSON.stringify(await operator.readTimeline(id), null, 1)}`,
      )
    },
    async provider(route, body = {}) {
      const headers = { authorization: `Bearer ${providerApiKey}`, 'content-type': 'application/json' }
      await fetch(`http://127.0.0.1:${stack.ports.provider}${route}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
    },
    async command(client, route, body, key) {
      const headers = key === undefined ? {} : { 'idempotency-key': key }
      const { status, body: answer } = await client.send('POST', route, { body, headers })
      if (status !== 202) throw new Error(`${route} answered ${status}: ${JSON.stringify(answer)}`)
    },
    async keep(name, workflowId) {
      const history = await temporal.workflow.getHandle(workflowId).fetchHistory()
      for (const event of history.events ?? []) scrubIdentity(event)
      const events: unknown = JSON.parse(historyToJSON(history))
      const text = JSON.stringify({ workflowId, history: events }, null, 1)
      // stack traces name files; where the repository lies says nothing about the workflow
      const placeless = text.replaceAll(path.resolve(import.meta.dirname, '..'), '')
      await writeFile(path.join(HISTORIES, `${name}${suffix}.json`), `${placeless}\n`)
    },
  }
}

/** Who polled (process and machine) says nothing about the workflow. */
function scrubIdentity(part: unknown): void {
  if (part === null || typeof part !== 'object' || ArrayBuffer.isView(part)) return
  if ('identity' in part && typeof part.identity === 'string') part.identity = 'recorded'
  for (const inner of Object.values(part)) scrubIdentity(inner)
}

await mkdir(HISTORIES, { recursive: true })
await record(Object.keys(SCENARIOS), '', { LIMIT_ORDERS_PER_MINUTE: '100000' })
await record(['happy', 'declined'], '.encrypted', {
  LIMIT_ORDERS_PER_MINUTE: '100000',
  PAYLOAD_KEYS: RECORDING_KEY,
})
process.exit(0)
