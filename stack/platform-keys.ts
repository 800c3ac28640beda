/** The local stack's own keys and secrets of the platform's processes: made once, kept in the data folder, never shipped. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import Type, { type Static } from 'typebox'
import { generateSigningKey } from '#platform/service-token.ts'
import { parser } from '#platform/validation.ts'
import { createPrivateFile, hasCode, writePrivateFile } from './private-files.ts'

const PlatformKeys = Type.Object({
  gatewaySigningKey: Type.String(),
  notificationsSigningKey: Type.String(),
  keyEncryptionKey: Type.String(),
  providerApiKey: Type.String(),
  providerWebhookSecret: Type.String(),
  carrierApiKey: Type.String(),
  carrierWebhookSecret: Type.String(),
  webhookMasterSecret: Type.String(),
})

export type PlatformKeys = Static<typeof PlatformKeys>

const parse = parser('the platform keys', Type.Partial(PlatformKeys))

/**
 * Reads `<dataFolder>/platform-keys.json`, first writing it with new keys (file mode 0600). A file of an earlier version
 * gets the keys that it lacks.
 */
export async function loadPlatformKeys(dataFolder: string): Promise<PlatformKeys> {
  const file = path.join(dataFolder, 'platform-keys.json')
  const stored = await read(file)
  const keys = { ...(await newKeys()), ...stored }
  const text = `${JSON.stringify(keys, null, 2)}\n`
  if (stored === undefined) {
    if (await createPrivateFile(file, text)) return keys
    return loadPlatformKeys(dataFolder) // another process was faster: what is in the file counts
  }
  if (Object.keys(keys).length > Object.keys(stored).length) await writePrivateFile(file, text)
  return keys
}

async function read(file: string): Promise<Partial<PlatformKeys> | undefined> {
  try {
    return parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new Error(`${file} can't be read as the platform's keys`, { cause: error })
  }
}

async function newKeys(): Promise<PlatformKeys> {
  const secret = (): string => randomBytes(32).toString('hex')
  return {
    gatewaySigningKey: await generateSigningKey(),
    notificationsSigningKey: await generateSigningKey(),
    keyEncryptionKey: randomBytes(32).toString('base64'),
    providerApiKey: secret(),
    providerWebhookSecret: secret(),
    carrierApiKey: secret(),
    carrierWebhookSecret: secret(),
    webhookMasterSecret: secret(),
  }
}
