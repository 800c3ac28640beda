/** What the processes of a stack hold in memory, by part. */
import { partOf, programOf, readMemory, readProcesses, treeBelow, type Memory } from './process-tree.ts'

export interface PartMemory {
  part: string
  processes: number
  /** Bytes. */
  resident: number
  /** Bytes; undefined when one of the processes does not tell. */
  proportional: number | undefined
}

export interface ProcessMemory extends Memory {
  part: string
}

/** Sums by part, the largest first. */
export function sumByPart(processes: readonly ProcessMemory[]): PartMemory[] {
  return [...Map.groupBy(processes, ({ part }) => part)]
    .map(([part, members]) => ({ part, processes: members.length, ...sumOf(members) }))
    .toSorted((a, b) => size(b) - size(a))
}

export const sumOf = (members: readonly Memory[]): Memory => ({
  resident: members.reduce((sum, { resident }) => sum + resident, 0),
  proportional: members.every(({ proportional }) => proportional !== undefined)
    ? members.reduce((sum, { proportional = 0 }) => sum + proportional, 0)
    : undefined,
})

/** The figure that counts: without double counting where the kernel allows it. */
export const size = ({ resident, proportional }: Memory): number => proportional ?? resident

/** Every process from `root` down. */
export function readTreeMemory(root: number): ProcessMemory[] {
  return treeBelow(root, readProcesses()).flatMap((process) => {
    const memory = readMemory(process.pid)
    return memory === undefined ? [] : [{ part: partOf(programOf(process)), ...memory }]
  })
}
