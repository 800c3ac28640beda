/** The webhooks channel and its routes on a real broker, as an operator uses it. */
import { randomUUID } from 'node:crypto'
import { expect, onTestFinished } from 'vitest'
import type { CreatedWebhookEndpoint, WebhookAttempt } from '#contracts/http/notifications.ts'
import type { Environment } from '#platform/config.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import type { Channel } from '#services/notifications/channels/channel.ts'
import { createChannel, type WebhooksStandIns } from '#services/notifications/channels/webhooks/channel.ts'
import { as, verifyTestCaller } from './http.ts'
import { testContext, type TestContext } from './notifications.ts'
import { silentLogger } from './orders.ts'

export const WEBHOOKS_ENVIRONMENT = {
  WEBHOOK_MASTER_SECRET: 'a master secret for the tests only',
  WEBHOOK_ALLOW_LOOPBACK: 'true',
  // what the tests' endpoints do not answer they answer never, as a test says that waits for that
  WEBHOOK_TIMEOUT_MS: '20000',
  WEBHOOK_ENDPOINTS_LIMIT: '3',
}
export const operator = as('operator', randomUUID())

export interface WebhooksChannel extends TestContext {
  channel: Channel
  app: HttpServer
  /** Ends the senders, as the end of a process does. */
  stopSending(): Promise<void>
  /** Removes the endpoints too: the broker's list of them is everybody's. */
  stop(): Promise<void>
}

export async function startWebhooks(
  environment: Environment = {},
  standIns: WebhooksStandIns = {},
): Promise<WebhooksChannel> {
  const support = testContext({ ...WEBHOOKS_ENVIRONMENT, ...environment })
  await support.context.bus.ready()
  const channel = createChannel(support.context, standIns)
  const app = createHttpServer({ logger: silentLogger, probes: {} })
  channel.routes?.(app, verifyTestCaller)
  await app.ready()
  const tasks = channel.background?.() ?? []
  let stopped: Promise<void> | undefined
  const stopTasks = async (): Promise<void> => {
    await Promise.all(tasks.map((task) => task.stop()))
  }
  const subject = {
    ...support,
    channel,
    app,
    stopSending: () => (stopped ??= stopTasks()),
    async stop() {
      await subject.stopSending()
      for (const { id } of await listEndpoints(subject)) await removeEndpoint(subject, id)
      await app.close()
      await channel.close()
      await support.close()
    },
  }
  return subject
}

/** Until the end of the test. */
export async function openWebhooks(...how: Parameters<typeof startWebhooks>): Promise<WebhooksChannel> {
  const subject = await startWebhooks(...how)
  onTestFinished(() => subject.stop())
  return subject
}

type Door = Pick<WebhooksChannel, 'app'>

export const postEndpoint = ({ app }: Door, payload: object, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/api/v1/webhook-endpoints',
    headers: { ...operator, ...headers },
    payload,
  })

export async function createEndpoint(door: Door, payload: object): Promise<CreatedWebhookEndpoint> {
  const answer = await postEndpoint(door, payload)
  expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)])
  return answer.json()
}

export async function listEndpoints({ app }: Door): Promise<CreatedWebhookEndpoint[]> {
  const url = '/api/v1/webhook-endpoints?limit=100'
  return (await app.inject({ method: 'GET', url, headers: operator })).json().data
}

export const removeEndpoint = ({ app }: Door, id: string) =>
  app.inject({ method: 'DELETE', url: `/api/v1/webhook-endpoints/${id}`, headers: operator })

export async function attemptsOf({ app }: Door, id: string): Promise<WebhookAttempt[]> {
  const url = `/api/v1/webhook-endpoints/${id}/attempts`
  return (await app.inject({ method: 'GET', url, headers: operator })).json().data
}
