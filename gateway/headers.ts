/** Which headers cross the gateway. Both lists say what passes; everything else stays outside. */

const REQUEST_HEADERS = ['accept', 'content-type', 'idempotency-key', 'if-match', 'last-event-id'] as const

const RESPONSE_HEADERS = [
  'content-type',
  'content-length',
  'location',
  'retry-after',
  'etag',
  'idempotency-replayed',
  'allow',
  'cache-control',
  'x-accel-buffering',
  'www-authenticate',
] as const

export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** What a service is told by the gateway itself. */
export interface OwnHeaders {
  host: string
  authorization: string
  'x-request-id': string
  'x-client-ip': string
  traceparent: string
  /** The ETag of what the call is about, where another service owns it. */
  'x-current-etag'?: string
}

/** The headers of the request to a service. Identity comes from the signed token alone. */
export function requestHeaders(inbound: Headers, own: OwnHeaders): Record<string, string> {
  return { ...pick(inbound, [...REQUEST_HEADERS, ...signatureHeaders(inbound)]), ...own }
}

/** Every provider and carrier signs its webhooks with a header of its own; the service verifies it. */
const signatureHeaders = (inbound: Headers): string[] =>
  Object.keys(inbound).filter((name) => /^[a-z][a-z0-9-]{1,40}-signature$/.test(name))

/** The headers of a service's answer that a client gets to see. */
export const responseHeaders = (upstream: Headers): Record<string, string> => pick(upstream, RESPONSE_HEADERS)

function pick(headers: Headers, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) picked[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return picked
}
