import type { HttpServer } from '#platform/http/server.ts'
import type { ServiceTokenSigner } from '#platform/service-token.ts'

/** The keys that others verify this service's calls with. */
export function addKeyRoute(app: HttpServer, signer: ServiceTokenSigner): void {
  app.get('/.well-known/service-jwks.json', () => signer.publicKeys())
}
