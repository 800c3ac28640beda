/** What every service's worker offers, whatever else it does. */
import type { Finding } from '#contracts/workflows.ts'

export interface PlatformActivities {
  /** Looks for published events that the stream does not have, and publishes them again. */
  republishEvents(): Promise<Finding[]>
}
