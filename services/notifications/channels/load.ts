import { hasNameOf, loadExtension } from '#platform/extension.ts'
import type { Channel, ChannelContext } from './channel.ts'

type CreateChannel = (context: ChannelContext) => Channel | Promise<Channel>

const isCreateChannel = (exported: unknown): exported is CreateChannel => typeof exported === 'function'

/**
 * Loads `./NAME/channel.ts`, which exports `createChannel(context)`.
 *
 * @throws ConfigError when there is no such folder, it has another name, or its settings are wrong
 */
export async function loadChannel(name: string, context: ChannelContext): Promise<Channel> {
  const createChannel = await loadExtension({
    what: 'channel',
    name,
    folder: 'services/notifications/channels',
    load: (folder) => import(`./${folder}/channel.ts`),
    part: 'createChannel',
    accepts: isCreateChannel,
  })
  return hasNameOf({ what: 'channel', name }, await createChannel(context))
}
