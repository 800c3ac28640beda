/** Answers that go on for as long as their caller stays: they end in order when the gateway does or the caller may no more. */
import { PassThrough, type Readable } from 'node:stream'

export interface StreamOptions {
  /** Rejects when the caller's credentials are void by now. */
  assertStillAllowed: () => Promise<unknown>
}

export interface Streams {
  /** Passes a service's answer on. */
  passOn(source: Readable, options: StreamOptions): Readable
  /** Ends all of them, as a service would: clients come back, to whoever takes over. */
  endAll(): void
}

/** A revocation reaches the gateway within seconds; so it does its streams. */
const CHECK_MS = 5_000

export function createStreams(checkMs = CHECK_MS): Streams {
  const open = new Set<() => void>()

  return {
    passOn(source, { assertStillAllowed }) {
      const out = new PassThrough()
      const end = (): void => {
        source.unpipe(out)
        source.destroy()
        out.end()
      }
      const check = setInterval(() => void assertStillAllowed().catch(end), checkMs)
      open.add(end)
      // a service that breaks off ends the answer too: the client comes again and goes on where it was
      source.on('error', end).pipe(out)
      out.once('close', () => {
        clearInterval(check)
        open.delete(end)
        source.destroy()
      })
      return out
    },
    endAll() {
      for (const end of open) end()
    },
  }
}
