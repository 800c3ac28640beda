import { describe, expect, test } from 'vitest'
import { createDestinations, DestinationRefusedError, type Resolve } from './destination.ts'

const PUBLIC = { address: '93.184.215.14', family: 4 }
const PRIVATE = { address: '10.0.0.5', family: 4 }

const names: Record<string, { address: string; family: number }[]> = {
  'shop.example.test': [PUBLIC],
  'inside.example.test': [PRIVATE],
  'mixed.example.test': [PUBLIC, PRIVATE],
  'mapped.example.test': [{ address: '::ffff:127.0.0.1', family: 6 }],
  'here.example.test': [{ address: '127.0.0.1', family: 4 }],
  'both.example.test': [PUBLIC, { address: '127.0.0.1', family: 4 }],
  'empty.example.test': [],
}
const resolve: Resolve = async (hostname) => {
  const known = names[hostname]
  if (known === undefined) throw Object.assign(new Error('unknown'), { code: 'ENOTFOUND' })
  return known
}
const strict = createDestinations({ allowLoopback: false, resolve })
const local = createDestinations({ allowLoopback: true, resolve })

const refusal = async (url: string, destinations = strict): Promise<string> => {
  try {
    await destinations.check(destinations.parse(url))
    return 'accepted'
  } catch (error) {
    return error instanceof DestinationRefusedError ? error.message : 'unresolved'
  }
}

describe('a destination', () => {
  test.each([
    'https://shop.example.test/hook?a=1',
    'https://shop.example.test:8443/',
    'https://shop.example.test:443/',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
  ])('%s is accepted', async (url) => expect(await refusal(url)).toBe('accepted'))

  test.each([
    ['http://shop.example.test/', 'must be https'],
    ['ftp://shop.example.test/', 'must be https'],
    ['file:///etc/passwd', 'must be https'],
    ['javascript:alert(1)', 'must be https'],
    ['//shop.example.test/', 'is not an absolute address'],
    ['shop.example.test', 'is not an absolute address'],
    ['https://', 'is not an absolute address'],
    ['https://user@shop.example.test/', 'must not hold a user name or password'],
    ['https://:secret@shop.example.test/', 'must not hold a user name or password'],
    ['https://shop.example.test@10.0.0.5/', 'must not hold a user name or password'],
    ['https://shop.example.test/#a', 'must not hold a fragment'],
    ['https://shop.example.test:22/', 'must use port 443 or one from 1024 up'],
    ['https://shop.example.test:80/', 'must use port 443 or one from 1024 up'],
  ])('%s %s', async (url, message) => expect(await refusal(url)).toBe(message))

  test.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://0/',
    'https://①②⑦.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://inside.example.test/',
    'https://INSIDE.example.test/',
    'https://mixed.example.test/',
    'https://mapped.example.test/',
  ])('%s leads inside and is refused', async (url) =>
    expect(await refusal(url)).toBe('leads to an address that is not on the public internet'),
  )

  test.each(['https://nowhere.example.test/', 'https://empty.example.test/'])(
    '%s does not resolve',
    async (url) => expect(await refusal(url)).toBe('unresolved'),
  )

  test.each([
    'http://127.0.0.1:81/',
    'http://127.255.255.254:3000/',
    'http://[::1]:3000/',
    'https://127.0.0.1:22/',
    'http://here.example.test:3000/',
    'https://shop.example.test/',
  ])('%s is accepted by a stack on one machine', async (url) =>
    expect(await refusal(url, local)).toBe('accepted'),
  )

  test.each([
    ['http://10.0.0.5/', 'leads to an address that is not on the public internet'],
    ['https://192.168.1.1/', 'leads to an address that is not on the public internet'],
    ['http://169.254.169.254/latest/meta-data/', 'leads to an address that is not on the public internet'],
    ['http://0.0.0.0:8080/', 'leads to an address that is not on the public internet'],
    ['https://[fd00:ec2::254]/', 'leads to an address that is not on the public internet'],
    ['https://inside.example.test/', 'leads to an address that is not on the public internet'],
    ['https://mapped.example.test/', 'leads to an address that is not on the public internet'],
    ['http://shop.example.test/', 'must be https'],
    ['http://both.example.test/', 'must be https'],
    ['https://shop.example.test:22/', 'must use port 443 or one from 1024 up'],
  ])('%s is refused by a stack on one machine too: it %s', async (url, message) =>
    expect(await refusal(url, local)).toBe(message),
  )

  test('on this machine may be http, and nothing else changes', async () => {
    await expect(local.check(local.parse('http://127.0.0.1:81/'))).resolves.toEqual([
      { address: '127.0.0.1', family: 4 },
    ])
    expect(() => local.parse('ftp://127.0.0.1/')).toThrow(DestinationRefusedError)
    expect(() => local.parse('http://a:b@127.0.0.1/')).toThrow(DestinationRefusedError)
  })
})

describe('the lookup of a connection', () => {
  const look = (hostname: string, all: boolean) =>
    new Promise((done) =>
      strict.lookup(hostname, { all }, (error, address, family) => done({ error, address, family })),
    )

  test('hands out what it has checked, in both forms', async () => {
    expect(await look('shop.example.test', true)).toMatchObject({ error: null, address: [PUBLIC] })
    expect(await look('shop.example.test', false)).toMatchObject({
      error: null,
      address: PUBLIC.address,
      family: 4,
    })
  })

  test.each(['inside.example.test', 'mixed.example.test'])('hands out nothing of %s', async (hostname) => {
    expect(await look(hostname, true)).toMatchObject({ error: expect.any(DestinationRefusedError) })
    expect(JSON.stringify(await look(hostname, true))).not.toContain('10.0.0.5')
  })
})
