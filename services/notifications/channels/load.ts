import { ConfigError } from '#platform/config.ts'
import type { Channel, ChannelContext } from './channel.ts'

interface ChannelModule {
  createChannel(context: ChannelContext): Channel | Promise<Channel>
}

const isChannelModule = (module: unknown): module is ChannelModule =>
  typeof module === 'object' &&
  module !== null &&
  'createChannel' in module &&
  typeof module.createChannel === 'function'

/**
 * Loads `./NAME/channel.ts`, which exports `createChannel(context)`.
 *
 * @throws ConfigError when there is no such folder, or when its settings are wrong
 */
export async function loadChannel(name: string, context: ChannelContext): Promise<Channel> {
  const module = await importChannel(name)
  if (!isChannelModule(module)) throw new ConfigError(`The channel ${name} exports no createChannel.`)
  return module.createChannel(context)
}

async function importChannel(name: string): Promise<unknown> {
  try {
    const module: unknown = await import(`./${name}/channel.ts`)
    return module
  } catch (cause) {
    throw new ConfigError(`The channel ${name} cannot be loaded from services/notifications/channels.`, {
      cause,
    })
  }
}
