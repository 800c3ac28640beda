/** What can be killed of a stack whose parts are processes, and brought back. */
import type { RestartableChild, Stack } from '../stack.ts'

/** Every server and every process, and all of them at once: a machine that fails. */
export const breakablesOf = ({ servers, parts }: Stack): RestartableChild[] => [
  ...servers,
  ...parts,
  {
    name: 'everything',
    async kill() {
      await Promise.all([...parts, ...servers].map((each) => each.kill()))
    },
    async start() {
      await Promise.all(servers.map((each) => each.start()))
      await Promise.all(parts.map((each) => each.start()))
    },
  },
]
