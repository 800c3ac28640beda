/** Adds up the processor time of phases that come again and again. */
import {
  add,
  processorTimeByPart,
  processorTimeByThread,
  since,
  type ProcessorTime,
} from './processor-time.ts'

export interface Phase {
  seconds: number
  parts: ProcessorTime
  /** Of the Node process of the benchmark, in which the platform runs too. */
  threads: ProcessorTime
}

export interface ProcessorClock {
  during<Result>(phase: string, work: () => Promise<Result>): Promise<Result>
  read(): ReadonlyMap<string, Phase>
}

export function createProcessorClock(): ProcessorClock {
  const phases = new Map<string, Phase>()
  return {
    async during(name, work) {
      const [parts, threads, began] = [processorTimeByPart(), processorTimeByThread(), performance.now()]
      const result = await work()
      const before = phases.get(name) ?? { seconds: 0, parts: new Map(), threads: new Map() }
      phases.set(name, {
        seconds: before.seconds + (performance.now() - began) / 1000,
        parts: add(before.parts, since(parts, processorTimeByPart())),
        threads: add(before.threads, since(threads, processorTimeByThread())),
      })
      return result
    },
    read: () => phases,
  }
}
