import { readFileSync } from 'node:fs'
import Type from 'typebox'
import { parser } from './validation.ts'

const parseManifest = parser('package.json', Type.Object({ version: Type.String() }))

const manifest = parseManifest(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))

/** The version of the platform, from package.json. */
export const version = manifest.version
