/** A way to a server that can be cut and restored, so that one test sees it go while the others keep it. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePorts } from '#stack/ports.ts'
import { closeWithFile } from './closing.ts'

export interface Proxy {
  /** `127.0.0.1:12345` */
  address: string
  /** Breaks what is open and refuses what comes. */
  cut(): Promise<void>
  restore(): Promise<void>
}

/** @param target `127.0.0.1:4222` */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(`tcp://${target}`)
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    const outgoing = connect(Number(port), hostname)
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        incoming.destroy()
        outgoing.destroy()
      })
    }
    incoming.pipe(outgoing).pipe(incoming)
  })
  // not one that the system hands out: while this is cut, somebody else's connection could get it
  const { gateway: ownPort } = await freePorts()
  server.listen(ownPort, '127.0.0.1')
  await once(server, 'listening')

  async function cut(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  async function restore(): Promise<void> {
    server.listen(ownPort, '127.0.0.1')
    await once(server, 'listening')
  }
  closeWithFile(cut)
  return { address: `127.0.0.1:${ownPort}`, cut, restore }
}
