/** What a scenario of the demo is: a story with people in it, and how it must end. */
import type { Stage } from './stage.ts'

export interface Scenario {
  /** One line, for the list. */
  title: string
  /** Plays it; what is not as expected is noted on the stage. @throws when it cannot go on */
  play(stage: Stage): Promise<void>
}
