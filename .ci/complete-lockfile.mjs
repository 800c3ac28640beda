// `npm ci` refuses a lockfile that lacks an entry for an optional dependency, and `npm install` writes none for native
// packages of platforms that the registry it used does not carry. This adds the missing entries (version, platform,
// no hash: npm on such a platform takes the published one) and drops download addresses, which belong to one machine.
//
//   node .ci/complete-lockfile.mjs            after `npm install`
//   node .ci/complete-lockfile.mjs --check    says what is missing, changes nothing
import { readFileSync, writeFileSync } from 'node:fs'

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8'))
const before = JSON.stringify(lock)

/** Every folder in which a package installed at `key` finds its dependencies, nearest first. */
function lookupFolders(key) {
  const parts = key.split('node_modules/').slice(1)
  return parts
    .map((_, index) => `node_modules/${parts.slice(0, parts.length - index).join('node_modules/')}/`)
    .concat('')
}

const isInstalled = (key, name) =>
  lookupFolders(key).some((folder) => `${folder}node_modules/${name}` in lock.packages)

/** `@swc/core-linux-arm-gnueabihf` → linux, arm, glibc. */
function platformOf(name) {
  const match = /(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-([a-z]+))?$/.exec(name)
  if (!match) throw new Error(`${name} names no platform`)
  const [, os, cpu, abi] = match
  const libc = os === 'linux' && abi ? [abi.startsWith('musl') ? 'musl' : 'glibc'] : undefined
  return { cpu: [cpu], libc, os: [os] }
}

const added = {}
for (const [key, entry] of Object.entries(lock.packages)) {
  delete entry.resolved
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isInstalled(key, name)) continue
    if (!/^\d/.test(version))
      throw new Error(`${key} wants ${name}@${version}: only exact versions can be added`)
    const { cpu, libc, os } = platformOf(name)
    added[`node_modules/${name}`] = { version, cpu, dev: entry.dev, libc, optional: true, os }
  }
}

lock.packages = Object.fromEntries(
  Object.entries({ ...lock.packages, ...added }).sort(([left], [right]) => left.localeCompare(right, 'en')),
)

if (JSON.stringify(lock) === before) console.log('package-lock.json is complete')
else if (process.argv.includes('--check')) {
  console.error('package-lock.json is incomplete: run `node .ci/complete-lockfile.mjs`', Object.keys(added))
  process.exitCode = 1
} else {
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: ${Object.keys(added).length} entries added`)
}
