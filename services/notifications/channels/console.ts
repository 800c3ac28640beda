/** Where messages lead to. */
import Type from 'typebox'

export const consoleConfig = {
  CONSOLE_URL: Type.String({
    pattern: '^https?://[^?#]+$',
    default: 'http://127.0.0.1:8080',
    description: 'where customers see their orders; messages link to CONSOLE_URL/orders/ID',
  }),
}

/** Where the order is shown, to its customer and to operators. */
export const orderLink = (consoleUrl: string, orderId: string): string =>
  `${consoleUrl.replace(/\/+$/, '')}/orders/${encodeURIComponent(orderId)}`
