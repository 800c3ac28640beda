/** The workflow bundle: built once per process, or read from a file that was built ahead. */
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, type WorkflowBundleOption } from '@temporalio/worker'
import { failureConverterPath } from './data-converter.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

const workflowsPath = path('../../workflows/index.ts')
const workflowInterceptorModules = [path('../../workflows/trace.ts')]

/** The code that workers run and replay tests replay. */
export async function buildWorkflowBundle({
  encrypted,
  from = workflowsPath,
}: {
  encrypted: boolean
  from?: string
}): Promise<{ code: string }> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: from,
    workflowInterceptorModules,
    ...(encrypted ? { failureConverterPath } : {}),
    logger: quiet,
  })
  return { code }
}

const built = new Map<boolean, Promise<WorkflowBundleOption>>()

/** @param file a bundle built ahead (`npm run bundle`); must match the worker's version and encryption */
export function workflowBundle(encrypted: boolean, file: string | undefined): Promise<WorkflowBundleOption> {
  if (file !== undefined) return Promise.resolve({ codePath: file })
  const bundle = built.get(encrypted) ?? buildWorkflowBundle({ encrypted })
  built.set(encrypted, bundle)
  return bundle
}

const silence = () => {}
const quiet = {
  log: silence,
  trace: silence,
  debug: silence,
  info: silence,
  warn: silence,
  error: (message: string) => process.stderr.write(`${message}\n`),
}
