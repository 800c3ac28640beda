import type { TaxClass } from '#contracts/http/inventory.ts'

const TAX_CLASSES: readonly string[] = ['standard', 'reduced', 'zero'] satisfies TaxClass[]

export const isTaxClass = (text: string): text is TaxClass => TAX_CLASSES.includes(text)
