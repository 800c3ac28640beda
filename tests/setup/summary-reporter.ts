import type { Reporter, TestModule } from 'vitest/node'

/**
 * Prints `N passed, N failed, N skipped` as the very last line of all output. It waits for the process to end, since
 * vitest itself writes after the last reporter hook. A file that could not be loaded counts as one failure.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(testModules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    let passed = 0
    let failed = unhandledErrors.length
    let skipped = 0
    for (const testModule of testModules) {
      const tests = [...testModule.children.allTests()]
      const states = tests.map((test) => test.result().state)
      passed += states.filter((state) => state === 'passed').length
      skipped += states.filter((state) => state === 'skipped').length
      const failures = states.filter((state) => state === 'failed' || state === 'pending').length
      failed += failures > 0 || testModule.ok() ? failures : 1
    }
    process.once('exit', () =>
      process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`),
    )
  }
}
