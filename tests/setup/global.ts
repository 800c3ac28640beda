/** Global setup of the system tests: a whole stack for each worker, on free ports, thrown away afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { checkTargetOf } from '#stack/check/target.ts'
import { freePorts } from '#stack/ports.ts'
import { startStack } from '#stack/stack.ts'
import { FAST_SETTINGS, type TestStack } from '../support/test-stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** By the number of the worker, from 1. */
    stacks: TestStack[]
  }
}

interface Running {
  stack: TestStack
  stop(): Promise<void>
}

async function start(): Promise<Running> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mainstay-system-'))
  const stack = await startStack({
    dataFolder,
    ports: await freePorts(),
    settings: FAST_SETTINGS,
    survivesPowerFailure: false,
  })
  const { gatewayUrl, ports } = stack
  return {
    stack: { gatewayUrl, ports, dataFolder, target: await checkTargetOf(stack) },
    async stop() {
      await stack.stop()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running: Running[] = []
  const stopAll = async (): Promise<void> => {
    await Promise.all(running.map(({ stop }) => stop()))
  }
  try {
    // one after the other: on a fresh machine the first one fetches the servers for all
    for (let worker = 1; worker <= project.config.maxWorkers; worker++) running.push(await start())
  } catch (error) {
    await stopAll()
    throw error
  }
  project.provide(
    'stacks',
    running.map(({ stack }) => stack),
  )
  return stopAll
}
