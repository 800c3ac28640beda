/** The local stack's accounts, with a password that everybody knows: whoever calls this has made sure that nobody else can log in. */
import { createUnitOfWork } from '#platform/events/outbox.ts'
import { createPasswords } from './passwords.ts'
import { emit, type Store } from './store.ts'

export const SEED_PASSWORD = 'mainstay-local'

export const SEED_USERS = [
  {
    id: '5eed0000-0000-4000-8000-000000000001',
    email: 'customer@mainstay.test',
    name: 'Casey Customer',
    phone: '+447700900123',
    roles: ['customer'],
  },
  {
    id: '5eed0000-0000-4000-8000-000000000002',
    email: 'operator@mainstay.test',
    name: 'Oona Operator',
    phone: null,
    roles: ['operator'],
  },
  {
    id: '5eed0000-0000-4000-8000-000000000003',
    email: 'courier@mainstay.test',
    name: 'Coby Courier',
    phone: null,
    roles: ['courier'],
  },
  {
    id: '5eed0000-0000-4000-8000-000000000004',
    email: 'admin@mainstay.test',
    name: 'Ada Admin',
    phone: null,
    roles: ['admin'],
  },
] as const

/**
 * Makes the seed accounts that are not there yet and leaves the others as they are.
 *
 * @returns the addresses of those it made
 */
export async function seedUsers(store: Store): Promise<string[]> {
  const known = await store.user.findMany({
    where: { id: { in: SEED_USERS.map(({ id }) => id) } },
    select: { id: true },
  })
  const missing = SEED_USERS.filter(({ id }) => !known.some((user) => user.id === id))
  if (missing.length === 0) return []
  const passwordHash = await createPasswords().hash(SEED_PASSWORD)
  // the service's relay publishes what is written here
  const transact = createUnitOfWork(store, () => {})
  const made: string[] = []
  for (const { id, email, name, phone, roles } of missing) {
    await transact(async (tx) => {
      const inserted = await tx.$executeRaw`
        INSERT INTO users (id, email, name, phone, password_hash, roles)
        VALUES (${id}::uuid, ${email}, ${name}, ${phone}, ${passwordHash}, ${[...roles]}::text[]) ON CONFLICT DO NOTHING`
      if (inserted === 0) return // another seeding was faster, or the address has an account of its own
      await emit(tx, id, 'user.registered', { userId: id })
      made.push(email)
    })
  }
  return made
}
