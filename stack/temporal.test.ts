import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBinary } from './binaries.ts'
import { freePorts } from './ports.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { SearchAttributeTypes } from './temporal-search-attributes.ts'
import { createTemporal, type Temporal } from './temporal.ts'

const folder = temporaryFolder()
let createWith: (searchAttributes: SearchAttributeTypes) => Temporal

beforeAll(async () => {
  const [binary, ports] = await Promise.all([findBinary('temporal'), freePorts()])
  const options = { binary, dataFolder: folder.path, port: ports.temporal, uiPort: ports.temporalUi }
  createWith = (searchAttributes) => createTemporal({ ...options, searchAttributes })
})
afterAll(() => folder.remove())

describe('createTemporal', () => {
  test('a search attribute that a later version brings can be used on the data of an earlier one', async () => {
    const earlier = createWith({ OrderStatus: 'Keyword' })
    await earlier.start()
    await earlier.stop()
    const later = createWith({ OrderStatus: 'Keyword', OrderTotal: 'Int' })
    await later.start()
    const connection = await Connection.connect({ address: later.address })
    const client = new Client({ connection })
    expect(await client.workflow.count(`OrderTotal > 100 AND OrderStatus = 'placed'`)).toMatchObject({
      count: 0,
    })
    await connection.close()
    await later.stop()
  })

  test('one that changes its type is refused by name, and the server does not stay behind', async () => {
    const changed = createWith({ OrderStatus: 'Bool' })
    await expect(changed.start()).rejects.toThrow(`OrderStatus exists as Keyword and can't become Bool`)
    expect(changed.isRunning()).toBe(false)
  })
})
