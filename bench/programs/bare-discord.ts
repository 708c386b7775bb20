/** The floor: discord.js, nothing kept, nothing checked. It shows words as it gets them, at a pace that Discord allows. */

import { Client, Events, GatewayIntentBits, Partials } from 'discord.js';
import { discordOf, plainTokens, readSetup } from '../contender.ts';
import { serveProgram } from '../program.ts';

const setup = readSetup();
const { apiUrl, token } = discordOf(setup);
/** Editing is allowed about as often as this. */
const EDIT_EVERY_MS = 1_100;

const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.DirectMessages, GatewayIntentBits.MessageContent],
  partials: [Partials.Channel],
  rest: { api: apiUrl },
});

client.on(Events.MessageCreate, async message => {
  if (message.author.bot || !message.channel.isSendable()) return;
  const { channel } = message;
  void channel.sendTyping();
  let text = '';
  let shown: Awaited<ReturnType<typeof channel.send>> | undefined;
  let editedAt = 0;
  for await (const word of plainTokens(setup.agentUrl, message.content)) {
    text += word;
    if (shown !== undefined && performance.now() - editedAt < EDIT_EVERY_MS) continue;
    editedAt = performance.now();
    if (shown === undefined) shown = await channel.send(text);
    else await shown.edit(text);
  }
  await shown?.edit(text);
});

const ready = new Promise(resolve => client.once(Events.ClientReady, resolve));
await client.login(token);
await ready;
serveProgram({});
