import { expect, test } from 'vitest'
import { ConfigError } from '#platform/config.ts'
import { addressBucket } from './client-address.ts'
import { parseTrustedProxies } from './config.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s is counted as %s', (address, bucket) => {
  expect(addressBucket(address)).toBe(bucket)
})

test('trusted proxies are addresses and networks', () => {
  expect(parseTrustedProxies(undefined)).toEqual([])
  expect(parseTrustedProxies('10.0.0.0/8, 192.0.2.1,fd00::/8')).toEqual([
    '10.0.0.0/8',
    '192.0.2.1',
    'fd00::/8',
  ])
})

test.each([
  'true',
  '1',
  'loopback',
  '0.0.0.0/0',
  '10.0.0.0/33',
  '::/0',
  '10.0.0.0/8/8',
  'proxy.test',
  '10.0.0.0/',
])('a trusted proxy is not %s', (text) => {
  expect(() => parseTrustedProxies(text)).toThrow(ConfigError)
})
