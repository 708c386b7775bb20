import { MessageFlags, MessageType } from 'discord.js';
import { discordMarkdown } from '../../../src/adapters/discord/reply/markdown.ts';
import type { Message } from '../../../src/core/message.ts';
import { findComponent } from '../../fakes/discord/drivers/acts.ts';
import { isJson } from '../../fakes/discord/form.ts';
import type { Message as Posted } from '../../fakes/discord/state.ts';
import { adapterContract, type ContractHarness, type Somebody, type Visible } from '../contract.ts';
import { createWorld } from './harness.ts';

adapterContract('Discord', harness);

async function harness(): Promise<ContractHarness> {
  const world = await createWorld();
  const { discord, channel } = world;
  const people = { ann: world.ana, ben: world.ben };
  world.ana.globalName = 'Ann';
  const robot = discord.world.addUser('Robot', { bot: true });
  discord.world.addMember(world.guild.id, robot.id);

  // What arrives in a channel is handled in order: once the adapter has a mark, it has what came before it.
  const marks = new Set<string>();
  let count = 0;
  world.port = bot => ({
    ...bot,
    receive: async message => {
      if (!message.text.startsWith('mark ')) return bot.receive(message);
      marks.add(message.text);
      return 'accepted';
    },
  });
  await world.start();

  async function settle(posted: Posted): Promise<void> {
    count += 1;
    const mark = `mark ${count}`;
    const isDm = posted.channelId !== channel.id;
    discord.as(posted.authorId).say(posted.channelId, isDm ? mark : `<@${discord.botId}> ${mark}`);
    await discord.until(() => marks.has(mark), mark);
  }

  function seenBy(who: Somebody, message: Message): Posted[] {
    const place = message.conversation.channel;
    if (!discord.state.channels.has(place)) return [];
    const reader = message.conversation.audience === 'private' ? people.ann : people[who];
    return discord
      .as(reader.id)
      .sees(place)
      .filter(
        ({ authorId, type }) => authorId === discord.botId && type !== MessageType.ThreadStarterMessage,
      );
  }

  return {
    get adapter() {
      return world.adapter;
    },
    get bot() {
      return world.bot;
    },
    async write(who, where, text) {
      const person = discord.as(people[who].id);
      const posted =
        where === 'private' ? person.dm(text) : person.say(channel.id, `<@${discord.botId}> ${text}`);
      await settle(posted);
      return posted;
    },
    async edit(sent, text) {
      const posted = sent as Posted;
      discord.as(posted.authorId).edit(posted.id, text);
      await settle(posted);
    },
    async remove(sent) {
      const posted = sent as Posted;
      discord.as(posted.authorId).remove(posted.id);
      await settle(posted);
    },
    async deliverAgain(sent) {
      const posted = sent as Posted;
      const [first] = discord.journal
        .gateway({ direction: 'out', event: 'MESSAGE_CREATE' })
        .flatMap(({ data }) => (isJson(data) && data.id === posted.id ? [data] : []));
      if (first === undefined) throw new Error('that message was never delivered');
      const { guildId } = discord.channel(posted.channelId);
      discord.gateway.dispatch({ name: 'MESSAGE_CREATE', intents: 0, guildId, render: () => first });
      await settle(posted);
    },
    async noise() {
      discord.as(world.ben.id).say(channel.id, 'Has anybody seen my umbrella?');
      discord.as(world.ben.id).say(channel.id, '@everyone look');
      discord.as(robot.id).say(channel.id, `<@${discord.botId}> hello, fellow robot`);
      discord.world.webhookSays(channel.id, 'News', `<@${discord.botId}> breaking`);
      discord.world.systemMessage(channel.id, MessageType.UserJoin, world.ben.id);
      const last = discord.as(world.ben.id).say(channel.id, 'It is blue.');
      await settle(last);
    },
    isAtWork: message => seenBy('ann', message).some(isStatus),
    sees: (who, message) =>
      seenBy(who, message)
        .filter(posted => !isStatus(posted))
        .map(visible),
    othersSeeQuestions: true,
    async press(who, on, button) {
      const id = buttonsOf(on.id).get(button);
      if (id === undefined) throw new Error(`no button ${button}`);
      await discord.answered(discord.as(people[who].id).press(on.id, id));
    },
    async reveal(who, on) {
      const id = buttonsOf(on.id).get('What exactly?');
      if (id !== undefined) await discord.answered(discord.as(people[who].id).press(on.id, id));
    },
    dialect: discordMarkdown,
    async stopReply(message) {
      const posted = seenBy('ann', message).find(({ id }) => buttonsOf(id).has('Stop'));
      if (posted === undefined) throw new Error('nothing to stop');
      await discord.answered(
        discord.as(people.ann.id).press(posted.id, buttonsOf(posted.id).get('Stop') ?? ''),
      );
    },
    until: (look, what) => discord.until(look, what),
    pass: () => {},
    async restart() {
      await world.restart(world.bot.successor());
    },
    stop: () => world.close(),
  };

  function visible(posted: Posted): Visible {
    return {
      id: posted.id,
      text: posted.content.replace(/\\([*_~`|<>#.+-])/g, '$1'),
      onlyThem: (posted.flags & MessageFlags.Ephemeral) !== 0,
      buttons: [...buttonsOf(posted.id).keys()],
    };
  }

  function buttonsOf(messageId: string): Map<string, string> {
    const posted = [...discord.state.channels.values()]
      .map(place => place.messages.get(messageId))
      .find(message => message !== undefined);
    const rows = (posted?.components ?? []).flatMap(row =>
      Array.isArray(row.components) ? row.components : [],
    );
    return new Map(
      rows
        .filter(isJson)
        .flatMap(it =>
          it.custom_id === undefined ? [] : [[String(it.label), String(it.custom_id)] as const],
        ),
    );
  }
}

/** Only what the bot is doing, nothing said yet. */
function isStatus(posted: Posted): boolean {
  const lines = posted.content.split('\n');
  const isStoppable = posted.components.some(row => findComponent([row], stopIdOf(posted)) !== undefined);
  return isStoppable && lines.every(line => line.startsWith('-# '));
}

function stopIdOf(posted: Posted): string {
  return /"custom_id":"([^"]*:stop:[^"]*)"/.exec(JSON.stringify(posted.components))?.[1] ?? '';
}
