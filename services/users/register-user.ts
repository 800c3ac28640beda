import { randomUUID } from 'node:crypto'
import type { User } from '#contracts/http/users.ts'
import { ProblemError } from '#platform/problem.ts'
import type { Passwords } from './passwords.ts'
import { emit, toUser, type Transact } from './store.ts'

export interface RegisterInput {
  email: string
  password: string
  name: string
}

/**
 * Registers a customer.
 *
 * A taken address is a 409: without mailing a confirmation, answering 201 would leave its owner in front of an account
 * that does not exist. The answer tells nothing else about the account, takes as long as a success (the password is
 * hashed either way), and the gateway limits how often it can be asked.
 *
 * @throws ProblemError `email_taken`
 */
export const createRegisterUser =
  ({ transact, passwords }: { transact: Transact; passwords: Passwords }) =>
  async ({ email, password, name }: RegisterInput): Promise<User> => {
    const passwordHash = await passwords.hash(password)
    return transact(async (tx) => {
      // skipped rather than failed: PostgreSQL logs its errors, and this one would name the address
      const [row] = await tx.user.createManyAndReturn({
        data: [{ id: randomUUID(), email, name, passwordHash, roles: ['customer'] }],
        skipDuplicates: true,
      })
      if (row === undefined) throw new ProblemError('email_taken', 'This address cannot be registered.')
      await emit(tx, row.id, 'user.registered', { userId: row.id })
      return toUser({ ...row, email, name })
    })
  }
