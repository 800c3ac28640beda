import { fileURLToPath } from 'node:url'
import type { DataConverter } from '@temporalio/common'
import { createEncryptionCodec, parsePayloadKeys } from './codec.ts'

/** Client, workers, replay and the bundle must agree on this one. */
export const failureConverterPath = fileURLToPath(new URL('./encoded-failures.ts', import.meta.url))

/** Plain JSON, or encrypted when there are keys (`PAYLOAD_KEYS`). */
export function createDataConverter(payloadKeys: string | undefined): DataConverter {
  if (payloadKeys === undefined) return {}
  return { payloadCodecs: [createEncryptionCodec(parsePayloadKeys(payloadKeys))], failureConverterPath }
}
