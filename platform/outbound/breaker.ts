/** A circuit breaker and a time limit around every synchronous call to another process. */
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  handleWhen,
  IsolatedCircuitError,
  SamplingBreaker,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
import type { Logger } from '../logger.ts'

export interface BreakerOptions {
  /** What is called, for logs and health. */
  name: string
  timeoutMs: number
  logger: Logger
  /** Which errors count against the callee; by default all. */
  counts?: (error: unknown) => boolean
  /** How long it stays open before one call is let through again. */
  halfOpenAfterMs?: number
}

export interface Breaker {
  /** @throws BrokenCircuitError while it is open, TaskCancelledError when the time is up, or what the call throws */
  call<R>(work: (signal: AbortSignal) => Promise<R>): Promise<R>
  state(): 'closed' | 'open' | 'half-open'
}

const STATES: Record<CircuitState, 'closed' | 'open' | 'half-open'> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
}

/** Opens when half of the calls of ten seconds fail, given at least one call a second. */
export function createBreaker({
  name,
  timeoutMs,
  logger,
  counts = () => true,
  halfOpenAfterMs = 2_000,
}: BreakerOptions): Breaker {
  const circuit = circuitBreaker(handleWhen(counts), {
    halfOpenAfter: halfOpenAfterMs,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 1 }),
  })
  circuit.onStateChange((state) =>
    logger.warn({ breaker: name, state: STATES[state] }, 'a circuit breaker changed'),
  )
  const policy = wrap(circuit, timeout(timeoutMs, TimeoutStrategy.Aggressive))
  return {
    call: (work) => policy.execute(({ signal }) => work(signal)),
    state: () => STATES[circuit.state],
  }
}

/** The breaker refused: nothing was sent. */
export const isCircuitOpen = (error: unknown): boolean =>
  error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError

/** The call took longer than its limit. */
export const isTimeout = (error: unknown): boolean => error instanceof TaskCancelledError
