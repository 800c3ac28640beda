/** What both outside processes are made of: a ledger, webhooks, faults, an API for holders of a key. */
import Type, { type Static } from 'typebox'
import { Closed } from '#contracts/schemas.ts'
import { ConfigError } from '#platform/config.ts'
import { listen } from '#platform/http/listen.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import { isFromThisMachine, isLoopbackHost } from '#platform/http/this-machine.ts'
import { createLifecycle, type Stoppable } from '#platform/lifecycle.ts'
import { createLogger, type Logger } from '#platform/logger.ts'
import { ProblemError } from '#platform/problem.ts'
import { requireBearer } from './bearer.ts'
import { createFaults } from './faults.ts'
import type { WebhookEntry, WebhookEvent } from './ledger-entries.ts'
import { openLedger, type Ledger } from './ledger-file.ts'
import { createPause, type Pause } from './pause.ts'
import { answerRefusals } from './refusal.ts'
import { pendingWebhooks, startWebhooks, type Webhooks } from './webhooks.ts'

export interface OutsideProcess extends Stoppable {
  /** `http://127.0.0.1:8090` */
  url: string
}

/** What this needs to know of any entry. */
interface AnyEntry {
  type: string
  reference?: string
  event?: WebhookEvent
}

export interface OutsideContext<Entry> {
  ledger: Ledger<Entry>
  /** Absent when no URL is configured: then nobody is told anything. */
  webhooks: Webhooks | undefined
  pause: Pause
  /** Where the process listens, once it does. */
  url: () => string
}

export interface OutsideParts extends Partial<Stoppable> {
  /** Routes under /v1, for holders of the key. */
  api(scope: HttpServer): void
  /** What people and tests do in the outside world, without a key, even while the API is away. */
  hand?(scope: HttpServer): void
  /** Pages for people. */
  pages?(scope: HttpServer): void
  clearFaults?(): void
}

export interface OutsideOptions<Entry> {
  name: string
  host: string
  port: number
  apiKey: string
  ledger: { file: string; parse: (value: unknown) => Entry }
  webhooks: { url: string | undefined; secret: string | undefined; header: string; retryMs: number }
  slowMs: number
  logLevel: string
  logger: Logger | undefined
  build(context: OutsideContext<Entry | WebhookEntry>): OutsideParts
}

const LedgerQuery = Closed({ reference: Type.Optional(Type.String()) })
type LedgerQuery = Static<typeof LedgerQuery>

/** @throws ConfigError, PortInUseError or LedgerError */
export async function startOutsideProcess<Entry extends AnyEntry>(
  options: OutsideOptions<Entry>,
): Promise<OutsideProcess> {
  const { name } = options
  const logger =
    options.logger?.child({ service: name }) ?? createLogger({ service: name, level: options.logLevel })
  const lifecycle = createLifecycle(logger)
  const ledger = openLedger<Entry | WebhookEntry>(options.ledger.file, options.ledger.parse)
  lifecycle.onStop('ledger', async () => ledger.close())
  try {
    return await start()
  } catch (error) {
    await lifecycle.stop()
    throw error
  }

  async function start(): Promise<OutsideProcess> {
    const webhooks = tellWebhooks()
    const stopping = new AbortController()
    const pause = createPause(stopping.signal)
    let url = ''
    const parts = options.build({ ledger, webhooks, pause, url: () => url })
    lifecycle.onStop(name, async () => parts.stop?.())
    const app = createHttpServer({ logger, probes: {} })
    if (isLoopbackHost(options.host)) refuseOtherSites(app)
    registerRoutes(app, parts, pause)
    url = await listen(app, { name, host: options.host, port: options.port })
    lifecycle.onStop('http', () => app.close())
    lifecycle.onStop('waiting calls', async () => stopping.abort())
    logger.info({ url, ledger: options.ledger.file }, `${name} is up`)
    return { url, stop: () => lifecycle.stop() }
  }

  function tellWebhooks(): Webhooks | undefined {
    const { url, secret, header, retryMs } = options.webhooks
    if (url === undefined) return undefined
    if (secret === undefined) throw new ConfigError(`A webhook URL of the ${name} needs a secret that signs.`)
    const record = (entry: WebhookEntry) => ledger.append(entry)
    const webhooks = startWebhooks(
      { url, secret, header, retryMs, record, logger },
      pendingWebhooks(ledger.entries()),
    )
    lifecycle.onStop('webhooks', () => webhooks.stop())
    return webhooks
  }

  function registerRoutes(app: HttpServer, parts: OutsideParts, pause: Pause): void {
    const { slowMs, apiKey } = options
    const faults = createFaults({ pause, slowMs, onClear: () => parts.clearFaults?.() })
    const inScope = (register: (scope: HttpServer) => void): void => {
      void app.register((scope, _options, done) => {
        answerRefusals(scope)
        register(scope)
        done()
      })
    }
    inScope((scope) => {
      requireBearer(scope, apiKey)
      faults.apply(scope)
      parts.api(scope)
    })
    inScope((scope) => {
      faults.apply(scope)
      parts.pages?.(scope)
    })
    // for tests and checkers on this machine, even while the API is away
    inScope((scope) => {
      faults.routes(scope)
      parts.hand?.(scope)
      scope.get<{ Querystring: LedgerQuery }>(
        '/ledger',
        { schema: { querystring: LedgerQuery } },
        ({ query: { reference } }) => ({
          data: ledger.entries().filter((entry) => reference === undefined || entry.reference === reference),
        }),
      )
    })
  }
}

/** The ledger and the faults need no key: a page that somebody on this machine looks at must not reach them. */
function refuseOtherSites(app: HttpServer): void {
  app.addHook('onRequest', async (request) => {
    if (!isFromThisMachine(request)) throw new ProblemError('forbidden', 'This is for this machine only.')
  })
}
