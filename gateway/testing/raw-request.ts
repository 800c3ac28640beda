import { request } from 'node:http'

export interface RawRequest {
  method?: string
  path: string
  headers?: Record<string, string | string[]>
  body?: Buffer | string
}

export interface RawAnswer {
  status: number
  headers: Record<string, unknown>
  body: string
}

/** A raw request: `fetch` hides what a hostile client can send. */
export function rawRequest(
  url: string,
  { method = 'GET', path, headers = {}, body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const outgoing = request({ hostname, port, method, path, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
