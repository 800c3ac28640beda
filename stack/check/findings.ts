/** A broken promise that the checker found. */
export interface Finding {
  /** Which of the invariants of docs/architecture.md. */
  invariant: 1 | 2 | 3 | 4 | 5 | 6
  subject: string
  problem: string
}
