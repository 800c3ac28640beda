import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const GLOBAL_SETUP = 'tests/setup/global.ts'
const GENERATED = ['**/node_modules/**', '.mainstay/**', 'dist/**', 'prisma/*/client/**']

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: [process.stdout.isTTY ? 'default' : 'dot', './tests/setup/summary-reporter.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
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
        // The whole system with its real servers: one file at a time, since they share and break the same stack.
        extends: true,
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts'],
          exclude: [...GENERATED, 'tests/architecture/**'],
          globalSetup: existsSync(GLOBAL_SETUP) ? [GLOBAL_SETUP] : [],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
