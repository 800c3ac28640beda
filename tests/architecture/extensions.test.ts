import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

/** Node itself imports by any path to a folder, which vitest does not. */
const SCRIPT = `
import { loadChannel } from '#services/notifications/channels/load.ts'
import { loadProvider } from '#services/payments/providers/load.ts'
import { loadCarrier } from '#services/shipping/carriers/load.ts'

const secret = 'a secret of sixteen and more'
const url = 'http://127.0.0.1:9'
const provider = { PROVIDER_URL: url, PROVIDER_API_KEY: 'k', PROVIDER_WEBHOOK_SECRET: secret }
const loading = (folder) => [
  loadProvider(folder + 'sandbox', provider, {}),
  loadCarrier(folder + 'sandbox', { url, apiKey: 'k', webhookSecret: secret }),
  loadChannel(folder + 'sms', { settings: () => ({ SMS_PROVIDER: 'none' }) }),
]
const answers = await Promise.all(
  [...loading(''), ...loading('./')].map((each) => each.then(({ name }) => name, ({ message }) => message)),
)
console.log(JSON.stringify(answers))
`

test('what webhooks and consumers find by its name has the name of its folder', async () => {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    cwd: path.resolve(import.meta.dirname, '../..'),
  })
  expect(JSON.parse(stdout)).toEqual([
    'sandbox',
    'sandbox',
    'sms',
    expect.stringMatching(/^The payment provider .* calls itself sandbox/),
    expect.stringMatching(/^The carrier .* calls itself sandbox/),
    expect.stringMatching(/^The channel .* calls itself sms/),
  ])
})
