import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import {
  brokerConfig,
  callerConfig,
  ConfigError,
  describeConfig,
  loadConfig,
  Port,
  processConfig,
  rolesConfig,
  temporalConfig,
} from './config.ts'

const schema = Type.Object({
  PORT: Port(8081),
  DEBUG: Type.Boolean({ default: false, description: 'says more' }),
  SECRET: Type.String({ minLength: 8, description: 'signs things' }),
  EXTRA: Type.Optional(Type.String({ description: 'more' })),
})

describe('loadConfig', () => {
  it('converts text, fills in defaults and ignores every other variable', () => {
    expect(loadConfig(schema, { SECRET: 'long enough', PORT: '0', DEBUG: 'true', HOME: '/root' })).toEqual({
      PORT: 0,
      DEBUG: true,
      SECRET: 'long enough',
    })
  })

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig(schema, { SECRET: 'long enough', PORT: '', EXTRA: '' })).toEqual({
      PORT: 8081,
      DEBUG: false,
      SECRET: 'long enough',
    })
  })

  it('names every variable that is missing or wrong, what it is for, and no value', () => {
    const load = () => loadConfig(schema, { PORT: 'eighty', DEBUG: 'maybe', EXTRA: 'a-secret-value' })
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(/PORT must be integer \(port to listen on\)/)
    expect(load).toThrow(/DEBUG must be boolean \(says more\)/)
    expect(load).toThrow(/SECRET is required \(signs things\)/)
    expect(load).not.toThrow(/eighty|maybe|a-secret-value/)
  })

  it('never shows a secret that is wrong', () => {
    expect(() => loadConfig(schema, { SECRET: 'hunter2' })).not.toThrow(/hunter2/)
  })

  it.each([
    [{ ROLES: 'http' }, true],
    [{ ROLES: 'http,worker' }, true],
    [{ ROLES: 'worker,' }, false],
    [{ ROLES: 'admin' }, false],
  ])('reads the roles %j', (environment, valid) => {
    const load = () => loadConfig(Type.Object(rolesConfig), environment)
    if (valid) expect(load()).toEqual(environment)
    else expect(load).toThrow(ConfigError)
  })

  it.each([
    ['gateway=http://127.0.0.1:1/x', true],
    ['gateway=http://127.0.0.1:1/x,notifications=https://n/y', true],
    ['gateway', false],
    ['http://127.0.0.1', false],
    ['', false],
  ])('reads the issuers %j', (INTERNAL_ISSUERS, valid) => {
    const load = () => loadConfig(Type.Object(callerConfig), { INTERNAL_ISSUERS })
    if (valid) expect(load()).toEqual({ INTERNAL_ISSUERS })
    else expect(load).toThrow(ConfigError)
  })

  it.each([
    ['NATS_PASSWORD', { NATS_USER: 'half-a-pair' }],
    ['NATS_USER', { NATS_PASSWORD: 'half-a-pair' }],
    ['TEMPORAL_TLS_KEY', { TEMPORAL_TLS_CERT: 'half-a-pair' }],
    ['TEMPORAL_TLS_CERT', { TEMPORAL_TLS_KEY: 'half-a-pair' }],
    ['TEMPORAL_TLS_CERT', { TEMPORAL_TLS_KEY: 'half-a-pair', TEMPORAL_TLS_CERT: '', TEMPORAL_TLS_CA: 'ca' }],
  ])('misses %s where the other half of its pair is set: %j', (missing, environment) => {
    const connections = Type.Object({ ...brokerConfig, ...temporalConfig })
    const load = () => loadConfig(connections, environment)
    const [present = ''] = Object.keys(environment)
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(`${missing} is required, because ${present} is set`)
    expect(load).not.toThrow(/half-a-pair/)
    const whole = { ...environment, [missing]: 'the other half' }
    expect(loadConfig(connections, whole)).toMatchObject(whole)
    expect(loadConfig(connections, {})).not.toHaveProperty(missing)
  })

  it('says of a pair that is torn what else is wrong, too', () => {
    const load = () =>
      loadConfig(Type.Object({ ...brokerConfig, ...rolesConfig }), { NATS_USER: 'one', ROLES: 'admin' })
    expect(load).toThrow(/ROLES must match .*\n {2}NATS_PASSWORD is required/)
  })

  it('refuses payload keys that are not 32 bytes in base64', () => {
    const keys = (PAYLOAD_KEYS: string) => () => loadConfig(Type.Object(temporalConfig), { PAYLOAD_KEYS })
    expect(keys(`k1=${Buffer.alloc(32).toString('base64')}`)()).toHaveProperty('PAYLOAD_KEYS')
    expect(keys('k1=c2hvcnQ=')).toThrow(ConfigError)
  })
})

describe('describeConfig', () => {
  it('lists every variable with what it is for and its default', () => {
    expect(describeConfig(schema).split('\n')).toEqual([
      '  PORT                         port to listen on [8081]',
      '  DEBUG                        says more [false]',
      '  SECRET                       signs things',
      '  EXTRA                        more',
    ])
    expect(describeConfig(Type.Object(processConfig))).toContain('address to listen on [127.0.0.1]')
  })
})
