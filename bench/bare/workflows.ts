/** What Temporal itself can do on this machine: a workflow that does nothing but wait for three activities in turn. */
import { proxyActivities } from '@temporalio/workflow'

const { nothing } = proxyActivities<{ nothing: () => Promise<void> }>({ startToCloseTimeout: '30s' })

export async function bare(): Promise<void> {
  await nothing()
  await nothing()
  await nothing()
}
