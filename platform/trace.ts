/**
 * The trace that the current work belongs to, as W3C trace context, carried through calls, events and workflows.
 * Source: https://www.w3.org/TR/trace-context/
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

export interface Trace {
  traceId: string
  /** `00-<trace id>-<span id>-<flags>` */
  traceparent: string
}

const storage = new AsyncLocalStorage<Trace>()

/** 32 hexadecimal digits; Node draws the randomness of UUIDs in advance, which bytes of one's own would cost a system call. */
const randomHex = (): string => randomUUID().replaceAll('-', '')

/** The trace of a `traceparent` header with a new span of our own; a new trace where there is none or a broken one. */
export function continueTrace(traceparent: string | undefined): Trace {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent)
  const traceId = match?.[1] ?? randomHex()
  return { traceId, traceparent: `00-${traceId}-${randomHex().slice(16)}-${match?.[3] ?? '01'}` }
}

/** Runs `work` so that everything it does, awaited or not, belongs to `trace`. */
export const withTrace = <R>(trace: Trace, work: () => R): R => storage.run(trace, work)

/** The rest of the current asynchronous chain belongs to `trace` (for hooks that cannot wrap what follows). */
export const enterTrace = (trace: Trace): void => storage.enterWith(trace)

export const currentTrace = (): Trace | undefined => storage.getStore()
