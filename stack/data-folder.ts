import path from 'node:path'

/** Everything the local stack keeps; `MAINSTAY_DATA` moves it, unless it is empty. Ignored by git, removed by `npm run reset`. */
export const dataFolderOf = (environment: NodeJS.ProcessEnv = process.env): string =>
  path.resolve(environment['MAINSTAY_DATA'] || path.join(import.meta.dirname, '..', '.mainstay'))
