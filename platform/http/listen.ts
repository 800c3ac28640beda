import { PortInUseError } from '../lifecycle.ts'
import type { HttpServer } from './server.ts'

/** Listens, and names the port when it is taken. Resolves to the address, `http://127.0.0.1:8081`. */
export async function listen(
  app: HttpServer,
  { name, host, port }: { name: string; host: string; port: number },
): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    await app.close()
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
      throw new PortInUseError(`Port ${port} (${name}) is in use by another process.`, { cause })
    }
    throw cause
  }
  const address = app.server.address()
  return `http://${host}:${address !== null && typeof address === 'object' ? address.port : port}`
}
