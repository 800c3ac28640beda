/** A whole stack of one test file's own, for what would get into the way of the others on everybody's. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Environment } from '#platform/config.ts'
import { buildWorkflowBundle, bundleFile } from '#platform/temporal/bundle.ts'
import type { CheckTarget } from '#stack/check/sources.ts'
import { checkTargetOf } from '#stack/check/target.ts'
import { freePorts } from '#stack/ports.ts'
import { startStack, type Stack, type StackOptions } from '#stack/stack.ts'
import { closeWithFile } from './closing.ts'
import { openShop, type Shop } from './shop.ts'
import { FAST_SETTINGS } from './test-stack.ts'

export interface OwnStack {
  stack: Stack
  target: CheckTarget
  shop: Shop
}

/** Started on free ports, and thrown away when the file is done; `settings` go before the tests' own. */
export async function startOwnStack({
  settings = {},
  ...options
}: Pick<StackOptions, 'settings' | 'processes' | 'aroundTemporal'>): Promise<OwnStack> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mainstay-own-'))
  closeWithFile(() => rm(dataFolder, { recursive: true, force: true }))
  const stack = await startStack({
    ...options,
    dataFolder,
    ports: await freePorts(),
    settings: { ...FAST_SETTINGS, ...(options.processes ? await bundleIn(dataFolder) : {}), ...settings },
    survivesPowerFailure: false,
  })
  closeWithFile(() => stack.stop())
  const target = await checkTargetOf(stack)
  return { stack, target, shop: await openShop({ gatewayUrl: stack.gatewayUrl, ports: stack.ports, target }) }
}

/** Built ahead, as a deployment does it: a process that is started again does not build it anew. */
async function bundleIn(folder: string): Promise<Environment> {
  const { code } = await buildWorkflowBundle({ encrypted: false })
  await writeFile(bundleFile(folder, false), code)
  return { WORKFLOW_BUNDLE: folder }
}
