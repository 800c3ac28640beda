/** Every use case of the service, composed once: both doors and the command line stand on the same. */
import type { IssueTokens } from './access-token.ts'
import { createCreateApiKey } from './create-api-key.ts'
import { createDisableUser } from './disable-user.ts'
import { createEraseUser } from './erase-user.ts'
import { createListUsers, createReadContact, createReadUser } from './find-users.ts'
import { createAcceptInvitation } from './invite-user.ts'
import { createListApiKeys } from './list-api-keys.ts'
import { createLogIn } from './log-in.ts'
import { createLogOut } from './log-out.ts'
import { createLoginThrottle } from './login-throttle.ts'
import type { Passwords } from './passwords.ts'
import { createRefreshSession } from './refresh-session.ts'
import { createRegisterUser } from './register-user.ts'
import { createRevokeApiKey } from './revoke-api-key.ts'
import { createReleaseScreening, createScreenCustomer } from './screen-customer.ts'
import { createSetRoles } from './set-roles.ts'
import type { Store, Transact } from './store.ts'
import { createUpdateMe } from './update-me.ts'
import { createVerifyApiKey } from './verify-api-key.ts'

export interface UseCaseDependencies {
  store: Store
  transact: Transact
  passwords: Passwords
  issueTokens: IssueTokens
  /** Minor units in 24 hours, for accounts without a limit of their own. */
  spendingLimit: number
}

export type UseCases = ReturnType<typeof createUseCases>

export function createUseCases({
  store,
  transact,
  passwords,
  issueTokens,
  spendingLimit,
}: UseCaseDependencies) {
  const throttle = createLoginThrottle(store)
  return {
    registerUser: createRegisterUser({ transact, passwords }),
    logIn: createLogIn({ store, transact, passwords, throttle, issueTokens }),
    refreshSession: createRefreshSession({ transact, issueTokens }),
    logOut: createLogOut({ transact }),
    acceptInvitation: createAcceptInvitation({ transact, passwords }),
    updateMe: createUpdateMe({ store, transact, passwords, throttle }),
    eraseUser: createEraseUser({ transact }),
    disableUser: createDisableUser({ transact }),
    setRoles: createSetRoles({ transact }),
    readUser: createReadUser(store),
    listUsers: createListUsers(store),
    readContact: createReadContact(store),
    createApiKey: createCreateApiKey({ transact }),
    listApiKeys: createListApiKeys(store),
    revokeApiKey: createRevokeApiKey(transact),
    verifyApiKey: createVerifyApiKey(store),
    screenCustomer: createScreenCustomer({ transact, defaultLimit: spendingLimit }),
    releaseScreening: createReleaseScreening({ transact }),
  }
}
