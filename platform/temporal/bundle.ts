/** The workflow bundle: built once per process, or read from a file that was built ahead. */
import { join } from 'node:path'
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

/** Failures are converted inside the bundle, hence one for encrypted payloads and one for plain ones. */
export const bundleFile = (folder: string, encrypted: boolean): string =>
  join(folder, encrypted ? 'workflows.encrypted.js' : 'workflows.js')

const built = new Map<boolean, Promise<WorkflowBundleOption>>()

/** @param folder where bundles were built ahead by `npm run bundle`, of this very version of the code and the SDK */
export function workflowBundle(
  encrypted: boolean,
  folder: string | undefined,
): Promise<WorkflowBundleOption> {
  if (folder !== undefined) return Promise.resolve({ codePath: bundleFile(folder, encrypted) })
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
