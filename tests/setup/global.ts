/** Global setup of the system tests: one whole stack on free ports, thrown away afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import type { Ports } from '#contracts/services.ts'
import type { CheckTarget } from '#stack/check/sources.ts'
import { freePorts } from '#stack/ports.ts'
import { startStack } from '#stack/stack.ts'
import { checkTargetOf, FAST_SETTINGS } from '../support/test-stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    stack: { gatewayUrl: string; ports: Ports; target: CheckTarget; dataFolder: string }
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mainstay-system-'))
  const stack = await startStack({
    dataFolder,
    ports: await freePorts(),
    settings: FAST_SETTINGS,
    survivesPowerFailure: false,
  })
  const { gatewayUrl, ports } = stack
  project.provide('stack', { gatewayUrl, ports, dataFolder, target: await checkTargetOf(stack) })
  return async () => {
    await stack.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
}
