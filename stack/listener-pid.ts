import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const LISTEN = '0A'

/** The process that listens on a TCP port, where /proc exists and lets us see it. */
export const listenerPid = (port: number): number | undefined => {
  const sockets = new Set(listeningInodes(port).map((inode) => `socket:[${inode}]`))
  if (sockets.size === 0) return undefined
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) =>
      list(`/proc/${pid}/fd`).some((descriptor) => sockets.has(linkOf(`/proc/${pid}/fd/${descriptor}`))),
    )
}

const listeningInodes = (port: number): string[] =>
  ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    read(file)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, address, , state]) => state === LISTEN && portOf(address) === port)
      .flatMap((fields) => fields[9] ?? []),
  )

const portOf = (address = ''): number => Number.parseInt(address.split(':')[1] ?? '', 16)

// Processes end while we look, and other users' are closed to us: what can't be read holds nothing for us.
const list = (folder: string): string[] => quietly(() => readdirSync(folder), [])
const read = (file: string): string => quietly(() => readFileSync(file, 'utf8'), '')
const linkOf = (file: string): string => quietly(() => readlinkSync(file), '')

const quietly = <Answer>(look: () => Answer, otherwise: Answer): Answer => {
  try {
    return look()
  } catch {
    return otherwise
  }
}
