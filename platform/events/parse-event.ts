/** A message of the stream as an event, checked. */
import { EVENTS, EventEnvelope, subjectOf, type AnyDomainEvent } from '#contracts/events.ts'
import { compileLiteral, fieldErrors, parser, ValidationError } from '../validation.ts'

const parseEnvelope = parser('the event', EventEnvelope)
const payloadValidators = new Map<string, ReturnType<typeof compileLiteral>>(
  Object.entries(EVENTS).map(([type, { payload }]) => [type, compileLiteral(payload)] as const),
)

/**
 * The message as an event: its envelope and payload checked, and that it came on its own subject. The broker lets each
 * service publish only on its subjects; what is written inside must not say that it is somebody else's.
 */
export function parseEvent(message: { data: Uint8Array; subject: string }): AnyDomainEvent {
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder().decode(message.data))
  } catch {
    throw new ValidationError('the event', [{ path: '', message: 'is not JSON' }])
  }
  const envelope = parseEnvelope(body)
  const validate = payloadValidators.get(envelope.eventType)
  if (validate === undefined) {
    throw new ValidationError('the event', [
      { path: 'eventType', message: `${envelope.eventType} is not known` },
    ])
  }
  const isDomainEvent = (event: typeof envelope): event is AnyDomainEvent => validate(event.payload)
  if (!isDomainEvent(envelope)) throw new ValidationError(envelope.eventType, fieldErrors(validate.errors))
  if (message.subject !== subjectOf(envelope.eventType, envelope.aggregateId)) {
    throw new ValidationError(envelope.eventType, [{ path: '', message: `came on ${message.subject}` }])
  }
  return envelope
}
