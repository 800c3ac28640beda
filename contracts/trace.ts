/** The Temporal header and HTTP header that carry the W3C trace context. */
export const TRACE_HEADER = 'traceparent'
