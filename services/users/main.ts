/** The users service: accounts, sessions, signing keys, API keys, spending limits. */
import { createUsersActivities } from '#activities/users.ts'
import { describeConfig } from '#platform/config.ts'
import { probeDatabase } from '#platform/database.ts'
import { runUntilStopped } from '#platform/lifecycle.ts'
import { defineService, startService } from '#platform/service.ts'
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
      routes: (app, verifyCaller) => addUserRoutes(app, verifyCaller, { useCases, keyRing }),
      worker: { activities: createUsersActivities(useCases), workflows: false },
      consumers: [spendingConsumer(transact)],
      background: () => [startHousekeeping(store, logger)],
      probes: { database: probeDatabase(store) },
      close: () => store.$disconnect(),
    }
  },
})

const HELP = `Usage: node services/users/main.ts

The users service. Its configuration comes from the environment:
${describeConfig(usersConfig)}
`

if (import.meta.main) {
  if (process.argv.includes('--help')) process.stdout.write(HELP)
  else await runUntilStopped(() => startService(usersService, process.env))
}
