/** Keeps pages of other sites away from doors without a login that are for people and programs on this machine. */
import type { FastifyRequest } from 'fastify'

const LOOPBACK_HOSTS = new Set(['127.0.0.1', 'localhost', '::1'])

/** @param host without a port; an IPv6 address may stand in brackets */
export const isLoopbackHost = (host: string): boolean => LOOPBACK_HOSTS.has(host.replace(/^\[|\]$/g, ''))

/**
 * Whether a request is for this machine by its own name, and no page of another site sent it: a name that was pointed at
 * 127.0.0.1 would let such a page read everything, and one that only posts a form need not read.
 */
export function isFromThisMachine({ hostname, headers }: FastifyRequest): boolean {
  if (!isLoopbackHost(hostname)) return false
  const { origin } = headers
  if (origin === undefined) return true
  // a form of a page that sends no referrer has no origin either; browsers still say whose it is
  if (origin === 'null') return headers['sec-fetch-site'] === 'same-origin'
  return URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname)
}
