/** The local stack's own keys and secrets of the platform's processes: made once, kept in the data folder, never shipped. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import Type, { type Static } from 'typebox'
import { generateSigningKey } from '#platform/service-token.ts'
import { parser } from '#platform/validation.ts'
import { createPrivateFile, hasCode } from './private-files.ts'

const PlatformKeys = Type.Object({
  gatewaySigningKey: Type.String(),
  notificationsSigningKey: Type.String(),
  keyEncryptionKey: Type.String(),
  providerApiKey: Type.String(),
  providerWebhookSecret: Type.String(),
  carrierApiKey: Type.String(),
  carrierWebhookSecret: Type.String(),
})

export type PlatformKeys = Static<typeof PlatformKeys>

const parse = parser('the platform keys', PlatformKeys)

/** Reads `<dataFolder>/platform-keys.json`, first writing it with new keys (file mode 0600). */
export async function loadPlatformKeys(dataFolder: string): Promise<PlatformKeys> {
  const file = path.join(dataFolder, 'platform-keys.json')
  const stored = await read(file)
  if (stored !== undefined) return stored
  await createPrivateFile(file, `${JSON.stringify(await newKeys(), null, 2)}\n`)
  const written = await read(file) // another process may have been faster: what is in the file counts
  if (written === undefined) throw new Error(`${file} could not be written`)
  return written
}

async function read(file: string): Promise<PlatformKeys | undefined> {
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
  }
}
