/** One gateway for a test file, to be started where the file's hooks are declared. */
import { afterAll, beforeEach, inject } from 'vitest'
import { natsOf, resetServices, startTestGateway, type TestGateway } from '#gateway/testing/harness.ts'

export interface CallableGateway extends TestGateway {
  /** The answer's status, problem code and headers. */
  call(
    path: string,
    authorization?: string,
    method?: string,
  ): Promise<{ status: number; code: string | undefined; headers: Headers }>
}

/** Its services have forgotten everything before each test; it stops with the file. */
export async function testGateway(environment: Record<string, string>): Promise<CallableGateway> {
  const gateway = await startTestGateway({ nats: natsOf(inject('infrastructure')), environment })
  afterAll(() => gateway.stop())
  beforeEach(() => resetServices(gateway))
  return {
    ...gateway,
    async call(path, authorization, method = 'GET') {
      const answer = await fetch(gateway.url + path, {
        method,
        headers: authorization === undefined ? {} : { authorization },
      })
      const { code } = JSON.parse(await answer.text())
      return { status: answer.status, code, headers: answer.headers }
    },
  }
}

/** It waits for its services for longer than a machine stalls, and lets strangers ask as often as they like. */
export const patientGateway = (): Promise<CallableGateway> =>
  testGateway({ UPSTREAM_TIMEOUT_MS: '25000', LIMIT_PUBLIC_PER_MINUTE: '100000' })

/** For services that take too long: it waits a second for them. */
export const impatientGateway = (): Promise<CallableGateway> => testGateway({ UPSTREAM_TIMEOUT_MS: '1000' })

/** Settings of a gateway that lets strangers and users ask as often as they like. */
export const UNLIMITED = { LIMIT_PUBLIC_PER_MINUTE: '100000', LIMIT_USERS_PER_MINUTE: '100000' }
