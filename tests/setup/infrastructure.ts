/** Global setup of the unit tests: one PostgreSQL, NATS and Temporal for all files, on free ports, thrown away afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { SEARCH_ATTRIBUTES } from '#contracts/search-attributes.ts'
import { startInfrastructure } from '#stack/infrastructure.ts'
import { freePorts } from '#stack/ports.ts'

export interface TestInfrastructure {
  /** PostgreSQL as superuser: tests make a database of their own from it. */
  superuserUrl: string
  natsUrl: string
  /** The NATS user that may do anything. */
  nats: { user: string; password: string }
  temporalAddress: string
  /** Where the first test file that needs the workflows' bundle leaves it for the others; not while files are watched. */
  bundleFolder: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    infrastructure: TestInfrastructure
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mainstay-unit-'))
  const ports = await freePorts()
  const infrastructure = await startInfrastructure({
    dataFolder,
    ports,
    searchAttributes: SEARCH_ATTRIBUTES,
    survivesPowerFailure: false,
  })
  const operator = infrastructure.natsCredentials['operator']
  if (operator === undefined) throw new Error('the stack made no NATS user for the tests')
  project.provide('infrastructure', {
    superuserUrl: infrastructure.postgres.superuserUrl,
    natsUrl: `nats://${infrastructure.natsAddress}`,
    nats: operator,
    temporalAddress: infrastructure.temporalAddress,
    bundleFolder: project.config.watch ? undefined : dataFolder,
  })
  return async () => {
    await infrastructure.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
}
