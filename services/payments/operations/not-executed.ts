/** The error code of an authorization that was asked for in vain: the provider has never heard of it. */
export const NOT_EXECUTED = 'not_executed'
