import { expect, it } from 'vitest'
import { ConfigError } from '#platform/config.ts'
import { loadGatewayConfig } from './config.ts'

const load = (environment: Record<string, string>) =>
  loadGatewayConfig({ SERVICE_SIGNING_KEY: '{}', ...environment })

it.each([
  ['USERS_JWKS_URL', 'http://'],
  ['USERS_JWKS_URL', 'https://:8085/keys'],
  ['USERS_JWKS_URL', 'ftp://users/keys'],
  ['USERS_URL', 'http://us ers'],
  ['ORDERS_URL', 'http://orders:99999'],
])('refuses %s=%s, and names it', (name, value) => {
  expect(() => load({ [name]: value })).toThrow(ConfigError)
  expect(() => load({ [name]: value })).toThrow(name)
})

it('names every URL that is none', () => {
  expect(() => load({ ORDERS_URL: 'http://a b', USERS_JWKS_URL: 'http://' })).toThrow(
    'The configuration is not valid:\n  ORDERS_URL is no URL\n  USERS_JWKS_URL is no URL',
  )
})

it('finds the keys of the access tokens with users, unless told', () => {
  expect(load({ USERS_URL: 'http://users:8085/' }).jwksUrl.href).toBe(
    'http://users:8085/.well-known/jwks.json',
  )
  expect(load({ USERS_JWKS_URL: 'https://keys.test/a?b=c' }).jwksUrl.href).toBe('https://keys.test/a?b=c')
})
