/** API keys as their owner sees them. */
import Type from 'typebox'
import type { ApiKey } from '#contracts/http/users.ts'
import { SCOPES } from '#contracts/http/route.ts'
import { parser } from '#platform/validation.ts'

export interface ApiKeyRow {
  id: string
  name: string
  scopes: string[]
  createdAt: Date
  expiresAt: Date
  lastUsedAt: Date | null
}

export const parseScopes = parser('the stored scopes', Type.Array(Type.Enum([...SCOPES])))

export const toApiKey = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  scopes: parseScopes(row.scopes),
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
})
