/** `return:<id>:<operation>`; one that is overdue asks for nothing. */
const QUESTION = /^return:([0-9a-f-]{36}):(?!overdue$)/

/** The return whose workflow waits for the answer to this concern, if one does. */
export const returnAsking = (source: string): string | undefined => QUESTION.exec(source)?.[1]
