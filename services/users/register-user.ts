import { randomUUID } from 'node:crypto'
import type { User } from '#contracts/http/users.ts'
import { constraintOf } from '#platform/database.ts'
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
    try {
      return await transact(async (tx) => {
        const row = await tx.user.create({
          data: { id: randomUUID(), email, name, passwordHash, roles: ['customer'] },
        })
        await emit(tx, row.id, 'user.registered', { userId: row.id })
        return toUser({ ...row, email, name })
      })
    } catch (cause) {
      if (constraintOf(cause) !== 'users_email_key') throw cause
      throw new ProblemError('email_taken', 'This address cannot be registered.', { cause })
    }
  }
