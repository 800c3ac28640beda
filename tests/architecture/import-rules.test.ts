import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import configuration from '../../dependency-cruiser.config.ts'

type Violation = { from: string; rule: { name: string } }

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A small project that keeps every rule. */
const CLEAN: Record<string, string> = {
  'package.json': JSON.stringify({
    type: 'module',
    imports: { '#*': './*' },
    dependencies: { '@temporalio/workflow': '1', '@temporalio/activity': '1', fastify: '1' },
    devDependencies: { vitest: '1' },
  }),
  ...Object.fromEntries(
    ['@temporalio/workflow', '@temporalio/activity', 'fastify', 'vitest'].flatMap((name) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
      [`node_modules/${name}/index.js`, 'exports.named = 1'],
    ]),
  ),
  'contracts/money.ts': 'export type Money = { amount: number }\nexport const zero: Money = { amount: 0 }',
  'platform/config.ts': "import '#contracts/money.ts'\nimport 'node:fs'\nexport const config = 1",
  'platform/config.test.ts': "import './config.ts'\nimport '#tests/support.ts'\nimport 'vitest'",
  'prisma/orders/client/client.ts': 'export const client = 1',
  'prisma/payments/client/client.ts': 'export const client = 1',
  'prisma/migrate.ts': "import 'node:fs'",
  'activities/failures.ts': "import '@temporalio/activity'\nexport const failure = 1",
  'activities/orders.ts':
    "import type { Place } from '#services/orders/place-order.ts'\nimport './failures.ts'\nexport type Activities = Place",
  'activities/payments.ts': 'export const createActivities = 1',
  'workflows/order.ts':
    "import type { Activities } from '#activities/orders.ts'\nimport { zero } from '#contracts/money.ts'\n" +
    "import { named } from '@temporalio/workflow'\nexport const run = (): Activities => [zero, named]",
  'workflows/order.test.ts': "import './tooling/replay.ts'\nimport 'node:fs'\nimport '#stack/main.ts'",
  'workflows/tooling/replay.ts': "import 'node:fs'\nimport '../order.ts'",
  'services/orders/place-order.ts':
    "import '#prisma/orders/client/client.ts'\nimport '#platform/config.ts'\nexport type Place = unknown",
  'services/orders/main.ts':
    "import '#activities/orders.ts'\nimport '#workflows/order.ts'\nimport './place-order.ts'",
  'services/payments/main.ts': "import '#activities/payments.ts'\nimport './pay.ts'",
  'services/payments/pay.ts': 'export const pay = 1',
  'gateway/main.ts': "import '#platform/config.ts'\nimport 'fastify'",
  'sandbox/provider.ts': "import '#platform/config.ts'",
  'console/page.ts': "import type { Money } from '#contracts/money.ts'\nexport type Total = Money",
  'stack/main.ts': "import '#services/orders/main.ts'\nimport '#gateway/main.ts'",
  'tests/support.ts': "import '#sandbox/provider.ts'",
}

/** [the rule that must go red, the file that breaks it, what it says]. */
const BROKEN: Array<[rule: string, file: string, source: string]> = [
  ['contracts', 'contracts/a.ts', "import '#platform/config.ts'"],
  ['contracts', 'contracts/b.ts', "import type { Money } from '#sandbox/provider.ts'"],
  ['contracts-tests', 'contracts/c.test.ts', "import '#gateway/main.ts'"],
  ['contracts-run-anywhere', 'contracts/d.ts', "import { createHash } from 'node:crypto'"],
  ['workflows', 'workflows/a.ts', "import '#platform/config.ts'"],
  ['workflows', 'workflows/b.ts', "import './tooling/replay.ts'"],
  ['workflows', 'workflows/c.ts', "export const load = () => import('../services/orders/place-order.ts')"],
  ['workflows-tests', 'workflows/d.test.ts', "import '#gateway/main.ts'"],
  ['workflows-types-only', 'workflows/e.ts', "import { createActivities } from '#activities/payments.ts'"],
  ['workflows-types-only', 'workflows/f.ts', "export { createActivities } from '../activities/payments.ts'"],
  [
    'workflows-types-only',
    'workflows/g.ts',
    "import { type Activities, failure } from '#activities/failures.ts'",
  ],
  ['workflow-packages', 'workflows/h.ts', "import { readFile } from 'node:fs/promises'"],
  ['workflow-packages', 'workflows/i.ts', "import 'fastify'"],
  ['workflow-packages', 'workflows/j.ts', "import '@temporalio/activity'"],
  ['activities', 'activities/inventory.ts', "import type { Place } from '#services/orders/place-order.ts'"],
  ['activities-tests', 'activities/inventory.test.ts', "import '#services/orders/place-order.ts'"],
  ['activities-types-only', 'activities/users.ts', "import '#services/users/token.ts'"],
  ['activities-of-one-service', 'activities/shipping.ts', "import './payments.ts'"],
  ['activity-packages', 'activities/notifications.ts', "import 'fastify'"],
  ['services', 'services/orders/a.ts', "import '#services/payments/pay.ts'"],
  ['services', 'services/orders/b.ts', "import type { Pay } from '../payments/pay.ts'"],
  ['services', 'services/orders/c.ts', "import '#prisma/payments/client/client.ts'"],
  ['services', 'services/orders/d.ts', "import '#activities/orders.ts'"],
  ['services', 'services/orders/e.ts', "import '#workflows/order.ts'"],
  ['services', 'services/orders/f.ts', "import '#stack/main.ts'"],
  ['services-tests', 'services/orders/g.test.ts', "import '#services/payments/pay.ts'"],
  ['service-main', 'services/users/main.ts', "import '#workflows/order.ts'"],
  ['service-main', 'services/inventory/main.ts', "import '#activities/payments.ts'"],
  ['service-main-with-workflows', 'services/shipping/main.ts', "import '#activities/payments.ts'"],
  ['prisma', 'prisma/a.ts', "import '#platform/config.ts'"],
  ['prisma-tests', 'prisma/b.test.ts', "import '#platform/config.ts'"],
  ['gateway', 'gateway/a.ts', "import '#services/payments/pay.ts'"],
  ['gateway-tests', 'gateway/b.test.ts', "import '#services/payments/pay.ts'"],
  ['platform', 'platform/a.ts', "import '#gateway/main.ts'"],
  ['platform-tests', 'platform/b.test.ts', "import '#gateway/main.ts'"],
  ['sandbox', 'sandbox/a.ts', "import '#services/payments/pay.ts'"],
  ['sandbox-tests', 'sandbox/b.test.ts', "import '#services/payments/pay.ts'"],
  ['console', 'console/a.ts', "import '#platform/config.ts'"],
  ['console-tests', 'console/b.test.ts', "import '#platform/config.ts'"],
  ['console-types-only', 'console/c.ts', "import { zero } from '#contracts/money.ts'"],
  ['development-packages', 'gateway/c.ts', "import 'vitest'"],
  ['not-to-tests', 'platform/c.ts', "import './config.test.ts'"],
  ['unresolvable', 'platform/d.ts', "import './missing.ts'"],
  ['circular', 'platform/e.ts', "import type { Self } from './e.ts'\nexport type Self = 1"],
]

/** Rules that always stay quiet: a `main.ts` is no test. */
const UNREACHABLE = ['service-main-tests', 'service-main-with-workflows-tests']

async function cruise(directory: string): Promise<Violation[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
      ...['--config', join(root, 'dependency-cruiser.config.ts'), '--output-type', 'json', '.'],
    ],
    { cwd: directory, maxBuffer: 64 * 1024 * 1024 },
  )
  return JSON.parse(stdout).summary.violations
}

async function write(directory: string, files: Record<string, string>): Promise<void> {
  for (const [path, source] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), `${source}\n`)
  }
}

describe('import rules', { timeout: 60_000 }, () => {
  let directory: string
  let clean: Violation[]
  let broken: Violation[]

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'import-rules-')))
    await write(directory, CLEAN)
    clean = await cruise(directory)
    await write(directory, {
      'services/users/token.ts': 'export const token = 1',
      ...Object.fromEntries(BROKEN.map(([, file, source]) => [file, source])),
    })
    broken = await cruise(directory)
  }, 60_000)

  afterAll(() => rm(directory, { recursive: true, force: true }))

  test('a project that keeps them has no violations', () => {
    expect(clean).toEqual([])
  })

  test.each(BROKEN)('%s goes red for %s', (rule, file) => {
    expect(broken.filter(({ from }) => from === file).map((violation) => violation.rule.name)).toEqual([rule])
  })

  test('nothing else goes red', () => {
    expect(new Set(broken.map(({ from }) => from))).toEqual(new Set(BROKEN.map(([, file]) => file)))
  })

  test('every rule has been seen red', () => {
    const names = (configuration.forbidden ?? []).map(({ name }) => name)
    const seen = BROKEN.map(([rule]) => rule)
    expect(new Set(names)).toEqual(new Set([...seen, ...UNREACHABLE]))
  })
})
