/** Bundled into workflows when payloads are encrypted: error messages and stack traces are encoded as payloads too. */
import { DefaultFailureConverter } from '@temporalio/common'

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true })
