/**
 * A route as both sides see it: the service registers it, the gateway exposes and documents it, and both enforce who
 * may call it. Paths are Fastify's (`/api/v1/orders/:id`).
 */
import type { TSchema } from 'typebox'
import type { Role } from '../schemas.ts'

export interface RouteSchema {
  readonly params?: TSchema
  readonly querystring?: TSchema
  readonly headers?: TSchema
  readonly body?: TSchema
  readonly response: Readonly<Record<number, TSchema>>
}

/** Who may call: anyone, anyone signed in, holders of one of these roles, or another service of the platform. */
export type Access = 'anyone' | 'signed-in' | 'service' | readonly Role[]

export interface RouteContract<S extends RouteSchema = RouteSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly summary: string
  readonly tag: string
  readonly access: Access
  /** The scope an API key must carry; calls without one are for people's sessions only. */
  readonly scope?: Scope
  /**
   * Whether the call takes an Idempotency-Key header; every public call but GETs says so. `unused`: nothing is changed, or
   * the body says itself what is sent again; the header is not looked at.
   */
  readonly idempotency?: 'required' | 'optional' | 'refused' | 'unused'
  /** Whose ETag an If-Match header may name; without this nothing has a version and the header is not looked at. */
  readonly ifMatch?: 'order' | 'return' | 'product'
  /** The answer is a stream of server-sent events that goes on for as long as the caller stays. */
  readonly stream?: true
  readonly schema: S
}

export const SCOPES = [
  'orders:read',
  'orders:write',
  'products:read',
  'products:write',
  'stock:write',
] as const
export type Scope = (typeof SCOPES)[number]

/** Keeps the literal types of a contract, so that handlers are typed from its schemas. */
export const route = <const S extends RouteSchema>(contract: RouteContract<S>): RouteContract<S> => contract
