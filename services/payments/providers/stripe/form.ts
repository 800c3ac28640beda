/** A value that Stripe's form encoding can carry. */
export type FormValue = string | number | boolean | undefined | FormValue[] | { [name: string]: FormValue }

/**
 * Encodes nested parameters as Stripe's API reads them: `metadata[reference]=…&expand[0]=…`; undefined is left out.
 *
 * @example toForm({ amount: 100, metadata: { reference: 'r' } }) // amount=100&metadata%5Breference%5D=r
 */
export function toForm(values: Record<string, FormValue>): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) append(form, name, value)
  return form
}

function append(form: URLSearchParams, name: string, value: FormValue): void {
  if (value === undefined) return
  if (typeof value !== 'object') form.append(name, String(value))
  else for (const [key, inner] of Object.entries(value)) append(form, `${name}[${key}]`, inner)
}
