/** `npm run bundle -- [FOLDER]`: builds the workflow bundles ahead, so that workers start without building them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { buildWorkflowBundle, bundleFile } from '#platform/temporal/bundle.ts'

const [folder = 'dist'] = process.argv.slice(2)

if (folder.startsWith('-'))
  process.stdout.write('npm run bundle -- [FOLDER]  (dist unless told); set WORKFLOW_BUNDLE to it\n')
else {
  await mkdir(folder, { recursive: true })
  for (const encrypted of [false, true]) {
    const { code } = await buildWorkflowBundle({ encrypted })
    await writeFile(bundleFile(folder, encrypted), code)
    process.stdout.write(`${bundleFile(folder, encrypted)}: ${Math.round(code.length / 1024)} KiB\n`)
  }
}
