/** Where the order is shown, to its customer and to operators. */
export const orderLink = (consoleUrl: string, orderId: string): string =>
  `${consoleUrl.replace(/\/+$/, '')}/orders/${encodeURIComponent(orderId)}`
