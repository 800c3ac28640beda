/** Where to look: the pages and commands that the stack prints once it is up. */
import { Connection, Client } from '@temporalio/client'
import type { Ports } from '#contracts/services.ts'
import { orderWorkflowId } from '#contracts/workflows.ts'
import { SEED_PASSWORD } from './client.ts'

const NAMESPACE = 'default'

/** The Temporal UI's page of the very run of an order. */
export async function runLink(ports: Ports, orderId: string): Promise<string> {
  const connection = await Connection.connect({ address: `127.0.0.1:${ports.temporal}` })
  try {
    const workflowId = orderWorkflowId(orderId)
    const { runId } = await new Client({ connection, namespace: NAMESPACE }).workflow
      .getHandle(workflowId)
      .describe()
    return `http://127.0.0.1:${ports.temporalUi}/namespaces/${NAMESPACE}/workflows/${workflowId}/${runId}`
  } finally {
    await connection.close()
  }
}

export const pages = (ports: Ports): [string, string][] => [
  ['API docs', `http://127.0.0.1:${ports.gateway}/docs`],
  ['Health', `http://127.0.0.1:${ports.gateway}/health`],
  ['Temporal UI', `http://127.0.0.1:${ports.temporalUi}`],
  ['Mailbox', `http://127.0.0.1:${ports.mailbox}`],
]

/** Three commands to paste: sign in, place an order, read a timeline. */
export function curlLines(ports: Ports, orderId: string | undefined): string[] {
  const url = `http://127.0.0.1:${ports.gateway}`
  const json = `-H 'content-type: application/json'`
  const login = JSON.stringify({ email: 'customer@mainstay.test', password: SEED_PASSWORD })
  const order = JSON.stringify({
    lines: [{ sku: 'TEE-BLACK-M', quantity: 1 }],
    paymentMethod: 'pm_card_visa',
    shippingAddress: {
      name: 'C. Customer',
      line1: 'Prinsengracht 1',
      city: 'Amsterdam',
      postalCode: '1015 DK',
      country: 'NL',
    },
  })
  const last = orderId === undefined ? 'orders' : `orders/${orderId}/timeline?limit=100`
  return [
    `TOKEN=$(curl -s ${url}/api/v1/auth/login ${json} -d '${login}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`,
    `curl -s ${url}/api/v1/orders -H "authorization: Bearer $TOKEN" -H "idempotency-key: $(date +%s%N)" ${json} -d '${order}'`,
    `curl -s '${url}/api/v1/${last}' -H "authorization: Bearer $TOKEN"`,
  ]
}
