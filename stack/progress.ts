/** Progress lines with the seconds since the start. */
export function createProgress(print: (line: string) => void): (message: string) => void {
  const began = performance.now()
  return (message) => print(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${message}`)
}
