import type { Tokens } from '#contracts/http/users.ts'
import type { IssueTokens } from './access-token.ts'
import { wrongCredentials, type Guess, type LoginThrottle } from './login-throttle.ts'
import type { Passwords } from './passwords.ts'
import { beginSession } from './sessions.ts'
import { findByEmail, tryLockUser, type Store, type Transact } from './store.ts'

export interface LogInDependencies {
  store: Store
  transact: Transact
  passwords: Passwords
  throttle: LoginThrottle
  issueTokens: IssueTokens
}

/**
 * Exchanges an address and a password for tokens. An unknown address, a wrong password and a disabled account are
 * told apart neither by the answer nor by its time.
 *
 * @throws ProblemError `invalid_credentials` or `too_many_logins`
 */
export const createLogIn =
  ({ store, transact, passwords, throttle, issueTokens }: LogInDependencies) =>
  async ({ email, password, address }: Guess & { password: string }): Promise<Tokens> => {
    const guess = { email, address }
    const account = await throttle.guard(guess, async () => {
      const found = await findByEmail(store, email)
      return (await passwords.verify(found?.passwordHash, password)) ? found : undefined
    })
    const session = await transact(async (tx) => {
      const user = await tryLockUser(tx, account.id)
      // the password may have changed while it was compared
      if (user?.passwordHash !== account.passwordHash || user.disabledAt !== null) throw wrongCredentials()
      await throttle.succeed(tx, guess)
      return beginSession(tx, user)
    })
    return issueTokens(session)
  }
