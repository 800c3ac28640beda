import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Attention } from '#contracts/http/operations.ts'
import type { Return } from '#contracts/http/returns.ts'
import { returnWorkflowId } from '#contracts/return-workflow.ts'
import { resetRun } from '#stack/demo/reset-run.ts'
import { reconcileUntil } from './support/reconcile.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})

const PATIENCE = { timeout: 40_000, interval: 200 }

/** The return of all that an order sold, as far as its approval. */
async function approved() {
  const [customer, operator] = [await shop.customer(), await shop.operator()]
  const sku = await shop.product({ AMS: 1 })
  const lines = [{ sku, quantity: 1 }]
  const { id } = await customer.placeOrder(orderOf({ lines }))
  await shop.until(customer, id, ({ actions }) => actions.includes('return'))
  const { id: returnId } = await customer.command<Return>(`/api/v1/orders/${id}/returns`, {
    lines: lines.map((line) => ({ ...line, reason: 'too small' })),
  })
  const approve = () => operator.command<Return>(`/api/v1/returns/${returnId}/approve`, {})
  await approve()
  return {
    id,
    returnId,
    operator,
    handle: shop.sources.temporal.workflow.getHandle(returnWorkflowId(returnId)),
    approve,
    /** Everything is paid back once the goods are here. */
    async isPaidBack() {
      const receipt = { warehouse: 'AMS', disposition: 'restock' }
      await operator.command(`/api/v1/returns/${returnId}/receive`, receipt)
      const back = await shop.until(
        customer,
        id,
        ({ payment, returns }) => payment.status === 'refunded' && returns[0]?.status === 'refunded',
      )
      expect(back.payment.refunded).toBe(back.total)
    },
  }
}

describe('a return whose workflow was ended by hand', () => {
  it('is put before the operators, and goes on from where it was when they reset it', async () => {
    const { id, returnId, operator, handle, isPaidBack } = await approved()
    const { temporal } = shop.sources
    await handle.terminate('by a test')
    await shop.rows(
      'orders',
      `UPDATE returns SET created_at = created_at - interval '1 hour' WHERE id = '${returnId}'`,
    )
    const asked = async () => {
      const { data } = await operator.request<{ data: Attention[] }>('GET', '/api/v1/operations/attention')
      return data.filter(({ orderId }) => orderId === id)
    }
    await reconcileUntil(temporal, async () =>
      expect(await asked()).toMatchObject([
        {
          operation: 'return_stuck',
          error: `return ${returnId} is approved and its workflow has ended`,
          actions: ['resolve'],
        },
      ]),
    )

    // to its first task: all that its row says already is asked of it once more
    await resetRun(temporal, handle.workflowId, 'first')
    await vi.waitFor(async () => expect(await handle.query('status')).toBe('approved'), PATIENCE)
    await isPaidBack()
    await reconcileUntil(temporal, async () => expect(await asked()).toEqual([]))
    await shop.expectSound()
  })

  it('is taken up where it was when it is approved again, once Temporal has forgotten it', async () => {
    const { handle, approve, isPaidBack } = await approved()
    const { options, workflowService } = shop.sources.temporal
    await workflowService.deleteWorkflowExecution({
      namespace: options.namespace,
      workflowExecution: { workflowId: handle.workflowId },
    })
    await vi.waitFor(() => expect(handle.describe()).rejects.toThrow('not found'), PATIENCE)
    expect((await approve()).status).toBe('approved')
    await isPaidBack()
    await shop.expectSound()
  })
})
