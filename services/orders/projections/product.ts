import type { Apply } from './apply.ts'

/** Keeps the catalog that orders are priced from. */
export const projectProduct: Apply = async (tx, event) => {
  if (event.eventType !== 'product.changed') return
  const { sku, name, price, currency, taxClass, weightGrams, active } = event.payload
  await tx.$executeRaw`
    INSERT INTO catalog_products (sku, name, price, currency, tax_class, weight_grams, active)
    VALUES (${sku}, ${name}, ${price}, ${currency}, ${taxClass}, ${weightGrams}, ${active})
    ON CONFLICT (sku) DO UPDATE SET name = EXCLUDED.name, price = EXCLUDED.price, currency = EXCLUDED.currency,
      tax_class = EXCLUDED.tax_class, weight_grams = EXCLUDED.weight_grams, active = EXCLUDED.active`
}
