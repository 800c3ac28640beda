export type Lines = readonly { sku: string; quantity: number }[]

/** `2 × TEE-BLACK-M, 1 × MUG-WHITE` */
export const listLines = (lines: Lines): string =>
  lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(', ')
