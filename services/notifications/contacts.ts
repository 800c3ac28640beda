/** How to reach a customer: asked of the users service, kept for a minute, never written down. */
import { Contact, readContact } from '#contracts/http/users.ts'
import type { JsonClient } from '#platform/outbound/json-client.ts'
import type { ServiceTokenSigner } from '#platform/service-token.ts'
import { parser } from '#platform/validation.ts'

const KEPT_MS = 60_000
const KEPT_AT_MOST = 5_000

const parseContact = parser('the answer of the users service', Contact)

/** @returns undefined when the account is erased or never was */
export type FindContact = (userId: string) => Promise<Contact | undefined>

export interface ContactsOptions {
  client: JsonClient
  signer: ServiceTokenSigner
  clock?: () => number
}

/** Concurrent questions about one customer are one call; failures are not kept. */
export function createFindContact({ client, signer, clock = Date.now }: ContactsOptions): FindContact {
  const known = new Map<string, { contact: Promise<Contact | undefined>; until: number }>()

  async function ask(userId: string): Promise<Contact | undefined> {
    const token = await signer.sign('users', {
      kind: 'service',
      subject: 'notifications',
      roles: [],
      scopes: [],
    })
    const { status, body } = await client.call({
      method: 'GET',
      path: readContact.url.replace(':id', encodeURIComponent(userId)),
      headers: { authorization: `Bearer ${token}` },
    })
    if (status === 404) return undefined
    if (status !== 200) throw new Error(`the users service answered ${status} when asked for a contact`)
    return parseContact(body)
  }

  return (userId) => {
    const entry = known.get(userId)
    known.delete(userId)
    if (entry !== undefined && entry.until > clock()) {
      known.set(userId, entry) // the last one used is the last one forgotten
      return entry.contact
    }
    const asked = { contact: ask(userId), until: clock() + KEPT_MS }
    known.set(userId, asked)
    asked.contact.catch(() => {
      if (known.get(userId) === asked) known.delete(userId)
    })
    const oldest = known.keys().next()
    if (known.size > KEPT_AT_MOST && oldest.done !== true) known.delete(oldest.value)
    return asked.contact
  }
}
