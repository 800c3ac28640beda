import Type from 'typebox'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { route } from '#contracts/http/route.ts'
import { Closed } from '#contracts/schemas.ts'
import { as, testServer } from '#tests/support/http.ts'
import { addRoute } from './contract.ts'
import type { HttpServer } from './server.ts'

const answer = Type.Object({ id: Type.String() })
const write = route({
  method: 'PUT',
  url: '/things/:id',
  summary: 'Writes',
  tag: 'things',
  access: ['operator'],
  idempotency: 'required',
  ifMatch: 'product',
  schema: {
    params: Closed({ id: Type.String({ maxLength: 5 }) }),
    querystring: Closed({ dry: Type.Optional(Type.Boolean()) }),
    body: Closed({ colour: Type.String() }),
    response: { 200: answer, 201: answer },
  },
})
const remove = route({
  method: 'DELETE',
  url: '/things/:id',
  summary: 'Removes',
  tag: 'things',
  access: 'anyone',
  schema: { response: { 204: Type.Null() } },
})

const handled = vi.fn<(call: unknown) => void>()
let app: HttpServer
beforeAll(async () => {
  app = await testServer((server, verify) => {
    addRoute(server, verify, write, async (call) => {
      const { params, query, body, caller, idempotencyKey, ifMatch, path } = call
      handled({ params, query, body, caller: caller.subject, idempotencyKey, ifMatch, path })
      const secret = { id: params.id, secret: 'not in the contract' }
      return { status: 201, body: secret, headers: { etag: '"1"' } }
    })
    addRoute(server, verify, remove, async () => ({ status: 204, body: null }))
  })
})

const put = (
  headers: Record<string, string> = {},
  payload: object = { colour: 'red' },
  url = '/things/a?dry=true',
) => app.inject({ method: 'PUT', url, headers, payload })
const operator = { ...as('operator', 'op-1'), 'idempotency-key': 'k-1' }

describe('addRoute', () => {
  it('hands over typed input and answers what the contract says, and no field more', async () => {
    const response = await put({ ...operator, 'if-match': '"7"' })
    expect([response.statusCode, response.json(), response.headers.etag]).toEqual([201, { id: 'a' }, '"1"'])
    expect(handled).toHaveBeenLastCalledWith({
      params: { id: 'a' },
      query: { dry: true },
      body: { colour: 'red' },
      caller: 'op-1',
      idempotencyKey: 'k-1',
      ifMatch: 7,
      path: '/things/a',
    })
  })

  it('answers without a body where the contract has none', async () => {
    const response = await app.inject({ method: 'DELETE', url: '/things/a' })
    expect([response.statusCode, response.body]).toEqual([204, ''])
  })

  it.each([
    ['a stranger, before looking at the body', {}, {}, 401, 'unauthenticated'],
    ['a token that is none', { authorization: 'Bearer x' }, {}, 401, 'unauthenticated'],
    ['another role, before looking at the body', as('customer', 'c'), {}, 403, 'forbidden'],
    ['a body that is not valid', operator, { colour: 1 }, 400, 'validation_failed'],
    ['no key', as('operator', 'op-1'), { colour: 'red' }, 400, 'idempotency_key_missing'],
    ['a version that is none', { ...operator, 'if-match': 'W/"1"' }, { colour: 'red' }, 412, 'stale_version'],
  ])('refuses %s', async (_who, headers, payload, status, code) => {
    handled.mockClear()
    const response = await put(headers, payload)
    expect([response.statusCode, response.json().code]).toEqual([status, code])
    expect(handled).not.toHaveBeenCalled()
  })

  it('checks the path and the query', async () => {
    const long = await put(operator, { colour: 'red' }, '/things/too-long')
    expect(long.json().errors).toEqual([{ path: 'id', message: expect.any(String) }])
    const unknown = await put(operator, { colour: 'red' }, '/things/a?wet=1')
    expect(unknown.json().errors).toEqual([{ path: 'wet', message: 'is not a known field' }])
  })

  it('takes If-Match: * for any version', async () => {
    await put({ ...operator, 'if-match': '*' })
    expect(handled).toHaveBeenLastCalledWith(expect.objectContaining({ ifMatch: undefined }))
  })
})
