const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })

/**
 * A moment for people, to the minute, rounded down: `25 November 2026 at 22:01 UTC`.
 *
 * @param moment ISO 8601
 */
export const deadline = (moment: string): string => `${format.format(new Date(moment))} UTC`
