/** `return:<id>:<operation>`; one that is overdue asks for nothing. */
const QUESTION = /^return:([0-9a-f-]{36}):(?!overdue$)(.+)$/

export interface ReturnQuestion {
  returnId: string
  operation: string
}

/** The return whose workflow waits for the answer to this concern, if one does, and what it asks about. */
export function returnAsking(source: string): ReturnQuestion | undefined {
  const [, returnId, operation] = QUESTION.exec(source) ?? []
  return returnId === undefined || operation === undefined ? undefined : { returnId, operation }
}
