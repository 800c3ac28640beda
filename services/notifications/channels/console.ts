/** Where messages lead to. */
import Type from 'typebox'

export const consoleConfig = {
  CONSOLE_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^?#]+$',
      description:
        'where customers see their orders: messages link to CONSOLE_URL/orders/ID; none: they have no link',
    }),
  ),
}

/** Where the order is shown, to its customer and to operators; undefined where there is no such place. */
export const orderLink = (consoleUrl: string | undefined, orderId: string): string | undefined =>
  consoleUrl === undefined
    ? undefined
    : `${consoleUrl.replace(/\/+$/, '')}/orders/${encodeURIComponent(orderId)}`
