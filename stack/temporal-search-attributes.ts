import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@temporalio/client'

/** The numbers of `temporal.api.enums.v1.IndexedValueType`. */
const TYPE_NUMBERS = { Text: 1, Keyword: 2, Int: 3, Double: 4, Bool: 5, Datetime: 6, KeywordList: 7 } as const

export type SearchAttributeTypes = Record<string, keyof typeof TYPE_NUMBERS>

/**
 * Registers what is missing and resolves when the server knows all of it. The development server's own flag only counts
 * when its database file is new: an attribute added later would never be registered. Throws when one has another type.
 */
export const registerSearchAttributes = async (
  connection: Connection,
  namespace: string,
  wanted: SearchAttributeTypes,
): Promise<void> => {
  const missing = await missingOf(connection, namespace, wanted)
  if (missing.length === 0) return
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, TYPE_NUMBERS[type]])),
  })
  const deadline = Date.now() + 15_000
  for (;;) {
    const late = await missingOf(connection, namespace, wanted)
    if (late.length === 0) return
    if (Date.now() > deadline) {
      throw new Error(`Temporal did not take the search attributes ${late.map(([name]) => name).join(', ')}`)
    }
    await sleep(50)
  }
}

const missingOf = async (connection: Connection, namespace: string, wanted: SearchAttributeTypes) => {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
  return Object.entries(wanted).filter(([name, type]) => !isKnown(customAttributes, name, type))
}

type KnownTypes = Record<string, number | null | undefined>

const isKnown = (known: KnownTypes, name: string, type: keyof typeof TYPE_NUMBERS): boolean => {
  const present = known[name]
  if (present === undefined || present === null) return false
  if (present === TYPE_NUMBERS[type]) return true
  const presentName = Object.entries(TYPE_NUMBERS).find(([, number]) => number === present)?.[0] ?? 'unknown'
  throw new Error(
    `The search attribute ${name} exists as ${presentName} and can't become ${type}: ` +
      'give it another name, or start with an empty data folder',
  )
}
