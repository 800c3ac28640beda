/** The users service: accounts, sessions, signing keys, API keys, spending limits. */
import { createUsersActivities } from '#activities/users.ts'
import { probeDatabase } from '#platform/database.ts'
import { defineService, runService } from '#platform/service.ts'
import { createIssueTokens } from './access-token.ts'
import { usersConfig } from './config.ts'
import { spendingConsumer } from './consumers.ts'
import { startHousekeeping } from './housekeeping.ts'
import { createKeyEncryption } from './key-encryption.ts'
import { createPasswords } from './passwords.ts'
import { addUserRoutes } from './routes.ts'
import { createKeyRing } from './signing-keys.ts'
import { openStore } from './store.ts'
import { createUseCases } from './use-cases.ts'

export const usersService = defineService({
  name: 'users',
  config: usersConfig,
  async build(context) {
    const { config: settings, logger } = context
    const store = openStore(settings)
    const keyRing = createKeyRing(store, createKeyEncryption(settings.KEY_ENCRYPTION_KEY))
    await keyRing.current() // a wrong KEY_ENCRYPTION_KEY is found now, not at the first login
    const transact = context.outbox(store, settings)
    const useCases = createUseCases({
      store,
      transact,
      passwords: createPasswords(),
      issueTokens: createIssueTokens({ keyRing, issuer: settings.ACCESS_TOKEN_ISSUER }),
      spendingLimit: settings.SPENDING_LIMIT,
    })
    return {
      routes: (app, verifyCaller) => addUserRoutes(app, verifyCaller, { useCases, keyRing, database: store }),
      worker: { activities: createUsersActivities(useCases), workflows: false },
      consumers: [spendingConsumer(transact)],
      background: () => [startHousekeeping(store, logger)],
      probes: { database: probeDatabase(store) },
      close: () => store.$disconnect(),
    }
  },
})

if (import.meta.main) await runService(usersService)
