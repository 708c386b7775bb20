// The other side of the fake: the real discord.js client and its REST class, set up as the bot sets them up.

import { Client, type ClientOptions, GatewayIntentBits, Partials, REST, type RESTOptions } from 'discord.js';
import type { FakeDiscord } from './fake-discord.ts';

/** What a bot without privileged intents asks for. */
export const PLAIN_INTENTS: readonly GatewayIntentBits[] = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.DirectMessages,
];

/** A logged-in client whose servers are all there. The caller destroys it. */
export async function loginClient(
  fake: FakeDiscord,
  options: Partial<ClientOptions> = {},
): Promise<Client<true>> {
  const client = new Client({
    intents: [...PLAIN_INTENTS],
    partials: [Partials.Channel],
    rest: { api: fake.apiUrl, offset: 0 },
    ...options,
  });
  // Without a listener an error of a lost connection would end the process.
  client.on('error', () => {});
  const ready = new Promise<Client<true>>(resolve => client.once('clientReady', resolve));
  try {
    await client.login(fake.token);
    return await ready;
  } catch (error) {
    await client.destroy();
    throw error;
  }
}

export function createRest(fake: FakeDiscord, options: Partial<RESTOptions> = {}): REST {
  return new REST({ api: fake.apiUrl, offset: 0, ...options }).setToken(fake.token);
}
