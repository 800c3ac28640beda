/** Accounts, sessions and API keys: the users service's public routes. */
import Type, { type Static } from 'typebox'
import { Closed, Id, Page, PageQuery, Role, Timestamp } from '../schemas.ts'
import { route, SCOPES } from './route.ts'

const Email = Type.String({ format: 'email', maxLength: 254 })
const Name = Type.String({ minLength: 1, maxLength: 120, pattern: '^[^\\u0000-\\u001f]*$' })
const Phone = Type.String({
  pattern: '^\\+[1-9][0-9]{6,14}$',
  description: 'E.164: +31612345678',
})
const NewPassword = Type.String({ minLength: 10, maxLength: 128 })
const IdParams = Closed({ id: Id })

export const User = Type.Object({
  id: Id,
  email: Email,
  name: Name,
  phone: Type.Union([Phone, Type.Null()]),
  roles: Type.Array(Role),
  disabled: Type.Boolean(),
  createdAt: Timestamp,
})
export type User = Static<typeof User>

export const Tokens = Type.Object({
  accessToken: Type.String({ description: 'JWT (EdDSA, typ at+jwt)' }),
  refreshToken: Type.String({ description: 'opaque; each one works once' }),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'seconds' }),
})
export type Tokens = Static<typeof Tokens>

const Scope = Type.Enum([...SCOPES])

export const ApiKey = Type.Object({
  id: Id,
  name: Type.String(),
  scopes: Type.Array(Scope),
  createdAt: Timestamp,
  expiresAt: Timestamp,
  lastUsedAt: Type.Union([Timestamp, Type.Null()]),
})
export type ApiKey = Static<typeof ApiKey>

const CreatedApiKey = Type.Object({
  ...ApiKey.properties,
  secret: Type.String({ description: 'msk_…, shown this once' }),
})

export const registerUser = route({
  method: 'POST',
  url: '/api/v1/users',
  summary: 'Register a customer account',
  tag: 'users',
  access: 'anyone',
  idempotency: 'refused',
  schema: { body: Closed({ email: Email, password: NewPassword, name: Name }), response: { 201: User } },
})

export const login = route({
  method: 'POST',
  url: '/api/v1/auth/login',
  summary: 'Exchange e-mail address and password for tokens',
  tag: 'auth',
  access: 'anyone',
  idempotency: 'refused',
  schema: {
    body: Closed({ email: Email, password: Type.String({ minLength: 1, maxLength: 128 }) }),
    response: { 200: Tokens },
  },
})

const RefreshBody = Closed({ refreshToken: Type.String({ minLength: 20, maxLength: 200 }) })

export const refresh = route({
  method: 'POST',
  url: '/api/v1/auth/refresh',
  summary: 'Rotate the refresh token and get a new access token',
  tag: 'auth',
  access: 'anyone',
  idempotency: 'refused',
  schema: { body: RefreshBody, response: { 200: Tokens } },
})

export const logout = route({
  method: 'POST',
  url: '/api/v1/auth/logout',
  summary: 'End the session that this refresh token belongs to, with its access tokens',
  tag: 'auth',
  access: 'anyone',
  idempotency: 'refused',
  schema: { body: RefreshBody, response: { 204: Type.Null() } },
})

export const acceptInvitation = route({
  method: 'POST',
  url: '/api/v1/auth/invitations',
  summary: 'Set the first password of an account that was made for me, with the one-time token',
  tag: 'auth',
  access: 'anyone',
  idempotency: 'refused',
  schema: {
    body: Closed({ token: Type.String({ minLength: 20, maxLength: 200 }), password: NewPassword }),
    response: { 204: Type.Null() },
  },
})

export const readMe = route({
  method: 'GET',
  url: '/api/v1/users/me',
  summary: 'My account',
  tag: 'users',
  access: 'signed-in',
  schema: { response: { 200: User } },
})

export const updateMe = route({
  method: 'PATCH',
  url: '/api/v1/users/me',
  summary:
    'Change my name, phone or password (a new password ends every session and takes no Idempotency-Key)',
  tag: 'users',
  access: 'signed-in',
  idempotency: 'optional',
  schema: {
    body: Closed({
      name: Type.Optional(Name),
      phone: Type.Optional(
        Type.Union([Phone, Type.Null()], { description: 'gets text messages; null: no more of them' }),
      ),
      password: Type.Optional(
        Closed({ current: Type.String({ minLength: 1, maxLength: 128 }), next: NewPassword }),
      ),
    }),
    response: { 200: User },
  },
})

export const eraseMe = route({
  method: 'DELETE',
  url: '/api/v1/users/me',
  summary: 'Erase my personal data; orders stay, anonymous',
  tag: 'users',
  access: 'signed-in',
  idempotency: 'optional',
  schema: { response: { 204: Type.Null() } },
})

export const listUsers = route({
  method: 'GET',
  url: '/api/v1/users',
  summary: 'All accounts',
  tag: 'users',
  access: ['operator', 'admin'],
  schema: { querystring: Closed(PageQuery), response: { 200: Page(User) } },
})

export const readUser = route({
  method: 'GET',
  url: '/api/v1/users/:id',
  summary: 'One account',
  tag: 'users',
  access: ['operator', 'admin'],
  schema: { params: IdParams, response: { 200: User } },
})

export const setRoles = route({
  method: 'PUT',
  url: '/api/v1/users/:id/roles',
  summary: 'Set the roles of an account',
  tag: 'users',
  access: ['admin'],
  idempotency: 'optional',
  schema: {
    params: IdParams,
    body: Closed({ roles: Type.Array(Role, { uniqueItems: true, maxItems: 4 }) }),
    response: { 200: User },
  },
})

export const createApiKey = route({
  method: 'POST',
  url: '/api/v1/api-keys',
  summary: 'Create an API key; its secret is shown once',
  tag: 'api-keys',
  access: 'signed-in',
  idempotency: 'refused',
  schema: {
    body: Closed({
      name: Name,
      scopes: Type.Array(Scope, { minItems: 1, uniqueItems: true }),
      expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, default: 90 })),
    }),
    response: { 201: CreatedApiKey },
  },
})

export const listApiKeys = route({
  method: 'GET',
  url: '/api/v1/api-keys',
  summary: 'My API keys',
  tag: 'api-keys',
  access: 'signed-in',
  schema: { querystring: Closed(PageQuery), response: { 200: Page(ApiKey) } },
})

export const revokeApiKey = route({
  method: 'DELETE',
  url: '/api/v1/api-keys/:id',
  summary: 'Revoke an API key',
  tag: 'api-keys',
  access: 'signed-in',
  idempotency: 'refused',
  schema: { params: IdParams, response: { 204: Type.Null() } },
})

export const jwks = route({
  method: 'GET',
  url: '/.well-known/jwks.json',
  summary: 'Public keys that access tokens are signed with',
  tag: 'auth',
  access: 'anyone',
  schema: {
    response: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }) },
  },
})

/** What the gateway learns about a caller who presents an API key. */
export const ApiKeyOwner = Type.Object({
  userId: Id,
  keyId: Id,
  roles: Type.Array(Role),
  scopes: Type.Array(Scope),
  expiresAt: Timestamp,
})
export type ApiKeyOwner = Static<typeof ApiKeyOwner>

/** Internal (not exposed by the gateway): the gateway exchanges an API key for its owner's rights. */
export const verifyApiKey = route({
  method: 'POST',
  url: '/internal/api-keys/verify',
  summary: 'Whose API key this is',
  tag: 'internal',
  access: 'service',
  schema: { body: Closed({ secret: Type.String({ maxLength: 200 }) }), response: { 200: ApiKeyOwner } },
})

export const Contact = Type.Object({
  userId: Id,
  email: Email,
  name: Name,
  phone: Type.Union([Phone, Type.Null()]),
})
export type Contact = Static<typeof Contact>

/** Internal: notifications asks the owner of personal data for it. */
export const readContact = route({
  method: 'GET',
  url: '/internal/users/:id/contact',
  summary: 'How to reach a customer',
  tag: 'internal',
  access: 'service',
  schema: { params: IdParams, response: { 200: Contact } },
})
