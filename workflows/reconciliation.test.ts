import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Finding } from '#contracts/workflows.ts'
import { failing, openSaga } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const run = () =>
  saga.client.workflow.execute('reconciliation', {
    workflowId: `reconciliation-${randomUUID()}`,
    taskQueue: 'orders',
  })

const finding = (kind: Finding['kind']): Finding => ({
  kind,
  subjectId: 's-1',
  orderId: null,
  detail: 'found',
  repaired: false,
})

describe('the reconciliation', () => {
  it('looks everywhere, and records nothing when all is well', async () => {
    expect(await run()).toEqual({ findings: 0, failed: [] })
    expect(calls.toSorted()).toEqual([
      'checkParcels',
      'checkReturns',
      'checkWorkflows',
      'compareProviderLedger',
      'findExpiredHolds',
      'findStrayParcels',
      'republishEvents',
      'republishEvents',
      'republishEvents',
      'republishEvents',
      'republishEvents',
      'settleUnknownPayments',
    ])
  })

  it('gives every look the time for hundreds of questions to the outside world', async () => {
    const workflowId = `reconciliation-${randomUUID()}`
    const handle = await saga.client.workflow.start('reconciliation', { workflowId, taskQueue: 'orders' })
    await handle.result()
    const looks = (await saga.history(handle)).flatMap(
      ({ activityTaskScheduledEventAttributes: scheduled }) =>
        scheduled?.activityType?.name === 'findExpiredHolds' || !scheduled ? [] : [scheduled],
    )
    expect(looks).toHaveLength(11)
    for (const { startToCloseTimeout, heartbeatTimeout } of looks)
      expect([Number(startToCloseTimeout?.seconds), Number(heartbeatTimeout?.seconds)]).toEqual([600, 12])
  })

  it('keeps what orders and returns brought to light when parcels cannot be looked for', async () => {
    saga.answers.checkWorkflows = async () => [finding('workflow_missing')]
    saga.answers.checkParcels = failing('the database is away')
    saga.answers.checkReturns = async () => [finding('return_stuck')]
    expect(await run()).toEqual({ findings: 2, failed: ['parcels'] })
    expect(saga.asks('recordFindings')).toMatchObject([
      { findings: [{ kind: 'workflow_missing' }, { kind: 'return_stuck' }] },
    ])
  })

  it('ends the holds of orders that do not run, and extends those of orders that do', async () => {
    saga.answers.findExpiredHolds = async () => ({ orderIds: ['runs', 'ended'] })
    saga.answers.findRunning = async () => ({ orderIds: ['runs'] })
    expect(await run()).toMatchObject({ findings: 1 })
    expect(saga.asks('extendReservation')).toMatchObject([{ orderId: 'runs' }])
    expect(saga.asks('expireReservation')).toEqual([{ orderId: 'ended' }])
    expect(saga.asks('recordFindings')).toMatchObject([
      { findings: [{ kind: 'expired_hold', subjectId: 'ended', repaired: true }] },
    ])
  })

  it('ends no hold when it cannot know which orders run', async () => {
    saga.answers.findExpiredHolds = async () => ({ orderIds: ['runs'] })
    saga.answers.findRunning = failing('Temporal is away')
    expect(await run()).toMatchObject({ failed: ['expiredHolds'] })
    expect(calls).not.toContain('expireReservation')
  })

  it('records what some parts find although others fail', async () => {
    saga.answers.settleUnknownPayments = failing('the provider is away')
    saga.answers.compareProviderLedger = async () => [finding('ledger_mismatch')]
    saga.answers.republishEvents = async () => [finding('event_missing')]
    expect(await run()).toEqual({ findings: 6, failed: ['unknownPayments'] })
    const [{ findings } = { findings: [] }] = saga.asks('recordFindings')
    expect(findings.map(({ kind }) => kind).toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 'event_missing'),
      'ledger_mismatch',
    ])
  })
})
