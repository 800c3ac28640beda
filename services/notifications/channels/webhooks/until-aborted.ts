/** What `work` comes to, unless the signal is aborted first: then its reason is thrown, and what `work` comes to is nobody's concern. */
export function untilAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error('stopped', { cause: signal.reason }))
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
