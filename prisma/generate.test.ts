import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '#stack/temporary-folder.ts'
import { generateClients } from './generate.ts'

// Inside the checkout, so that the generated client finds its packages as the real ones do.
const folder = path.join(import.meta.dirname, '..', '.mainstay', `generate-test-${process.pid}`)
const outside = temporaryFolder()

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  outside.remove()
})

const schema = (model: string): string => `
generator client {
  provider               = "prisma-client"
  output                 = "./client"
  runtime                = "nodejs"
  moduleFormat           = "esm"
  generatedFileExtension = "ts"
  importFileExtension    = "ts"
}
datasource db {
  provider = "postgresql"
}
model ${model} {
  id String @id
}
`

const writeSchema = (name: string, text: string, into = folder): void => {
  mkdirSync(path.join(into, name), { recursive: true })
  writeFileSync(path.join(into, name, 'schema.prisma'), text)
}

beforeAll(() => {
  writeSchema('first', schema('Item'))
  writeSchema('second', schema('Place'))
  mkdirSync(path.join(folder, 'no-schema'))
})

describe('generateClients', () => {
  test('each schema is given its client, which Node runs as it is', async () => {
    expect(await generateClients({ folder })).toEqual(['first', 'second'])
    const client: unknown = await import(path.join(folder, 'first', 'client', 'client.ts'))
    expect(client).toHaveProperty('PrismaClient')
  })

  test('what is up to date is left alone', async () => {
    expect(await generateClients({ folder })).toEqual([])
  })

  test('only the schema that changed is generated again', async () => {
    writeSchema('second', schema('Town'))
    expect(await generateClients({ folder })).toEqual(['second'])
    expect(readFileSync(path.join(folder, 'second', 'client', 'models.ts'), 'utf8')).toContain('Town')
  })

  test('force generates all; two at the same time leave one whole client each and nothing else', async () => {
    const all = ['first', 'second']
    const force = () => generateClients({ folder, force: true })
    expect(await Promise.all([force(), force()])).toEqual([all, all])
    for (const name of ['first', 'second']) {
      expect(readdirSync(path.join(folder, name)).sort()).toEqual(['client', 'schema.prisma'])
      expect(existsSync(path.join(folder, name, 'client', 'client.ts'))).toBe(true)
    }
    expect(await generateClients({ folder })).toEqual([])
  })

  test('a client that was removed is generated again', async () => {
    rmSync(path.join(folder, 'first', 'client'), { recursive: true })
    expect(await generateClients({ folder })).toEqual(['first'])
  })

  test('a wrong schema is named with what Prisma says, and is not taken for current', async () => {
    writeSchema('broken', 'model Broken { id Nothing @id }', outside.path)
    const attempt = () => generateClients({ folder: outside.path })
    await expect(attempt()).rejects.toThrow(/client of broken could not be generated:[^]*Nothing/)
    expect(existsSync(path.join(outside.path, 'broken', 'client', '.schema-hash'))).toBe(false)
    await expect(attempt()).rejects.toThrow(/broken/)
  })
})
