/** Where a webhook may go: the rules of the address itself, and of what its name resolves to. */
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { isLoopbackAddress, isPublicAddress } from './public-address.ts'

/** The endpoint's address is one that we do not call. */
export class DestinationRefusedError extends Error {
  override readonly name = 'DestinationRefusedError'
}

export interface ResolvedAddress {
  address: string
  family: number
}

/** Every address of a name; throws when there is none. */
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>

const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true, verbatim: true })

export interface DestinationOptions {
  /** For a stack on one machine: this machine itself too, with http and any port. */
  allowLoopback: boolean
  resolve?: Resolve
}

export interface Destinations {
  /** @throws DestinationRefusedError saying what is wrong with the address, its name not yet resolved */
  parse(url: string): URL
  /** Resolves the name and looks at every address. @throws DestinationRefusedError */
  check(url: URL): Promise<ResolvedAddress[]>
  /** The resolver of the connection itself: what it hands out is what has been checked, and that is what is dialled. */
  readonly lookup: LookupFunction
}

const HTTPS_PORT = 443
/** Below are the system's own services. */
const FIRST_FREE_PORT = 1024

export function createDestinations({
  allowLoopback,
  resolve = systemResolve,
}: DestinationOptions): Destinations {
  /** All or nothing: a name with one private address is somebody's trick or mistake. */
  async function checked(hostname: string): Promise<ResolvedAddress[]> {
    const literal = hostname.replace(/^\[(.*)\]$/, '$1')
    const family = isIP(literal)
    const addresses = family === 0 ? await resolveName(hostname) : [{ address: literal, family }]
    if (!addresses.every(({ address }) => isPublicAddress(address) || isAllowedHere(address))) {
      throw new DestinationRefusedError('leads to an address that is not on the public internet')
    }
    return addresses
  }

  const isAllowedHere = (address: string): boolean => allowLoopback && isLoopbackAddress(address)

  async function resolveName(hostname: string): Promise<ResolvedAddress[]> {
    const addresses = await resolve(hostname)
    if (addresses.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' })
    return addresses
  }

  function parse(text: string): URL {
    const url = URL.parse(text)
    if (url === null) throw new DestinationRefusedError('is not an absolute address')
    if (url.protocol !== 'http:') assertHttps(url)
    if (url.username !== '' || url.password !== '') {
      throw new DestinationRefusedError('must not hold a user name or password')
    }
    if (url.hash !== '') throw new DestinationRefusedError('must not hold a fragment')
    if (!allowLoopback) assertForStrangers(url)
    return url
  }

  const lookupChecked = callbackify(checked)

  return {
    parse,
    async check(url) {
      const addresses = await checked(url.hostname)
      if (!addresses.every(({ address }) => isAllowedHere(address))) assertForStrangers(url)
      return addresses
    },
    lookup: (hostname, options, callback) =>
      lookupChecked(hostname, (error, addresses) => {
        const [first] = addresses ?? []
        if (error !== null || options.all === true) callback(error, addresses)
        else callback(null, first?.address ?? '', first?.family)
      }),
  }
}

function assertHttps({ protocol }: URL): void {
  if (protocol !== 'https:') throw new DestinationRefusedError('must be https')
}

/** What is asked of an address that leads out of this machine. */
function assertForStrangers(url: URL): void {
  assertHttps(url)
  const port = url.port === '' ? HTTPS_PORT : Number(url.port)
  if (port !== HTTPS_PORT && port < FIRST_FREE_PORT) {
    throw new DestinationRefusedError(`must use port ${HTTPS_PORT} or one from ${FIRST_FREE_PORT} up`)
  }
}
