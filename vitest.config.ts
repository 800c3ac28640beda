import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const GLOBAL_SETUP = 'tests/setup/global.ts'
const GENERATED = ['**/node_modules/**', '.mainstay/**', 'dist/**', 'prisma/*/client/**']

export default defineConfig({
  test: {
    pool: 'forks',
    // Tests wait more than they compute; vitest's own default is one worker on two cores.
    maxWorkers: 2,
    reporters: [process.stdout.isTTY ? 'default' : 'dot', './tests/setup/summary-reporter.ts'],
    // longer than the waits of one test, whose own messages say what did not come
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // vitest's own default of a second is less than a loaded machine's pause
    expect: { poll: { timeout: 40_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...GENERATED, 'tests/!(architecture)/**', 'tests/*.test.ts'],
          globalSetup: ['tests/setup/infrastructure.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // The whole system with its real servers: each worker has a stack of its own, which its files use and break one after the other.
        extends: true,
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts'],
          exclude: [...GENERATED, 'tests/architecture/**'],
          globalSetup: existsSync(GLOBAL_SETUP) ? [GLOBAL_SETUP] : [],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
