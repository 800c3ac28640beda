// The container's health check: is this process alive? Its neighbours' health is not its own.
const port = process.env.PORT ?? '8080'
const alive = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(2_000) }).then(
  (response) => response.ok,
  () => false,
)
process.exitCode = alive ? 0 : 1
