// Interactions on the fake Discord with the real discord.js client: deadlines, double answers, what may answer
// what, ephemeral messages, modals, follow-ups, and the places an app can be used in.

import {
  ActionRowBuilder,
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ButtonBuilder,
  ButtonStyle,
  type ChatInputCommandInteraction,
  type Client,
  ContainerBuilder,
  DiscordAPIError,
  type Interaction as DiscordInteraction,
  Events,
  InteractionContextType,
  LabelBuilder,
  type MessageActionRowComponentBuilder,
  MessageFlags,
  ModalBuilder,
  PermissionFlagsBits,
  Routes,
  StringSelectMenuBuilder,
  TextDisplayBuilder,
  TextInputBuilder,
  TextInputStyle,
} from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { customIdsOf } from './discord/drivers/acts.ts';
import { createFakeDiscord } from './discord/fake-discord.ts';
import { createRest, loginClient } from './discord/login.ts';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const COMMANDS = [
  {
    name: 'preferences',
    description: 'What I remember',
    contexts: [
      InteractionContextType.Guild,
      InteractionContextType.BotDM,
      InteractionContextType.PrivateChannel,
    ],
    integration_types: [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall],
  },
  {
    name: 'ask',
    description: 'Ask me',
    contexts: [InteractionContextType.Guild, InteractionContextType.PrivateChannel],
    integration_types: [ApplicationIntegrationType.UserInstall],
    options: [
      {
        name: 'question',
        description: 'What?',
        type: ApplicationCommandOptionType.String,
        required: true,
        autocomplete: true,
      },
    ],
  },
  { name: 'Ask the shopper about this', type: ApplicationCommandType.Message },
];

/** A server with people, registered commands, and a client that hands its interactions to `onInteraction`. */
async function shop(onInteraction: (interaction: DiscordInteraction) => Promise<unknown> = async () => {}) {
  const fake = await createFakeDiscord({ identifyWindowMs: 0, rateLimits: false });
  stops.push(() => fake.stop());
  const ana = fake.as(fake.world.addUser('Ana').id);
  const ben = fake.as(fake.world.addUser('Ben').id);
  const guild = fake.world.addGuild('Shop', { members: [ana.id, ben.id] });
  const channel = fake.world.addChannel(guild.id, 'general');
  const client: Client<true> = await loginClient(fake);
  stops.push(() => client.destroy());
  const rest = createRest(fake);
  await rest.put(Routes.applicationCommands(fake.applicationId), { body: COMMANDS });
  const outcomes: Promise<unknown>[] = [];
  client.on(Events.InteractionCreate, interaction => {
    const outcome = onInteraction(interaction);
    outcome.catch(() => {});
    outcomes.push(outcome);
  });
  /** What the handler of the latest interaction came to; rejects as it did. */
  async function handled(count = 1): Promise<unknown> {
    await fake.until(() => outcomes.length >= count, 'the interaction');
    return outcomes[count - 1];
  }
  return { fake, ana, ben, guild, channel, client, rest, handled };
}

function slash(act: (interaction: ChatInputCommandInteraction) => Promise<unknown>) {
  return async (interaction: DiscordInteraction) => {
    if (interaction.isChatInputCommand()) await act(interaction);
  };
}

async function refusal(call: Promise<unknown>): Promise<DiscordAPIError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof DiscordAPIError) return outcome;
  throw new Error(`expected Discord to refuse, got ${String(outcome)}`);
}

function row(...buttons: MessageActionRowComponentBuilder[]) {
  return new ActionRowBuilder<MessageActionRowComponentBuilder>().addComponents(...buttons);
}

function button(customId: string) {
  return new ButtonBuilder().setCustomId(customId).setLabel(customId).setStyle(ButtonStyle.Secondary);
}

describe('answers', () => {
  it('takes one answer, and tells a second one apart', async () => {
    const { ana, channel, handled, fake } = await shop(
      slash(async interaction => {
        await interaction.reply('first');
        await fetch(`${fake.apiUrl}/v10/interactions/${interaction.id}/${interaction.token}/callback`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ type: 4, data: { content: 'second' } }),
        });
      }),
    );
    const interaction = ana.slash(channel.id, 'preferences');
    await handled();
    expect(await fake.answered(interaction)).toMatchObject({ type: 4 });
    expect(fake.messages(channel.id).map(message => message.content)).toEqual(['first']);
    expect(fake.journal.rest({ route: '/interactions/:interaction/:token/callback' }).at(-1)).toMatchObject({
      status: 400,
      code: 40060,
    });
  });

  it('is too late after three seconds', async () => {
    const { fake, ana, channel, handled } = await shop(
      slash(async interaction => {
        fake.clock.advance(3_001);
        await interaction.reply('late');
      }),
    );
    ana.slash(channel.id, 'preferences');
    expect(await refusal(handled())).toMatchObject({ status: 404, code: 10062 });
    expect(fake.messages(channel.id)).toEqual([]);
  });

  it('lets a deferred answer be edited for fifteen minutes', async () => {
    const { fake, ana, channel, handled } = await shop(
      slash(async interaction => {
        await interaction.deferReply();
        expect(fake.messages(channel.id)[0]?.flags).toBe(MessageFlags.Loading);
        fake.clock.advance(14 * 60_000);
        await interaction.editReply('in time');
        await interaction.followUp('more');
        fake.clock.advance(60_001);
        await interaction.editReply('too late');
      }),
    );
    ana.slash(channel.id, 'preferences');
    expect(await refusal(handled())).toMatchObject({ status: 401, code: 50027 });
    expect(fake.messages(channel.id).map(({ content, flags }) => ({ content, flags }))).toEqual([
      { content: 'in time', flags: 0 },
      { content: 'more', flags: 0 },
    ]);
  });

  it('shows ephemeral answers to their person only, and keeps them so', async () => {
    const { fake, ana, ben, channel, handled, rest } = await shop(
      slash(async interaction => {
        await interaction.deferReply({ flags: MessageFlags.Ephemeral });
        await interaction.editReply('for you');
        await interaction.followUp({ content: 'also', flags: MessageFlags.Ephemeral });
        await interaction.followUp('for all');
      }),
    );
    ana.slash(channel.id, 'preferences');
    await handled();
    expect(ana.sees(channel.id).map(message => message.content)).toEqual(['for you', 'also', 'for all']);
    expect(ben.sees(channel.id).map(message => message.content)).toEqual(['for all']);
    const [own] = ana.sees(channel.id);
    expect(await refusal(rest.get(Routes.channelMessage(channel.id, own?.id ?? '')))).toMatchObject({
      code: 10008,
    });
    const created = fake.journal.gateway({ event: 'MESSAGE_CREATE' })[0];
    expect(created?.data).not.toHaveProperty('guild_id');
    expect(created?.data).toMatchObject({ flags: MessageFlags.Ephemeral | MessageFlags.Loading });
  });

  it('deletes the answer and knows only messages of its own token', async () => {
    const { fake, ana, channel, handled } = await shop(
      slash(async interaction => {
        const other = ana.say(channel.id, 'not yours');
        await interaction.reply('gone soon');
        await interaction.deleteReply();
        await interaction.webhook.fetchMessage(other.id);
      }),
    );
    ana.slash(channel.id, 'preferences');
    expect(await refusal(handled())).toMatchObject({ code: 10008 });
    expect(fake.messages(channel.id).map(message => message.content)).toEqual(['not yours']);
  });

  it('pings no role and not everyone unless told to', async () => {
    const { fake, ana, ben, guild, channel, handled } = await shop(
      slash(interaction => interaction.reply(`@everyone <@${ben.id}>`)),
    );
    fake.world.overwrite(channel.id, fake.botId, { allow: PermissionFlagsBits.MentionEveryone });
    ana.slash(channel.id, 'preferences');
    await handled();
    expect(guild.members.size).toBe(3);
    expect(fake.pings.at(-1)).toMatchObject({ everyone: false, users: [ben.id], notified: [ben.id] });
  });

  it('returns the message when asked to, and nothing otherwise', async () => {
    const ids: (string | undefined)[] = [];
    const { ana, channel, fake, handled } = await shop(
      slash(async interaction => {
        const response = await interaction.reply({ content: 'x', withResponse: true });
        ids.push(response.resource?.message?.id);
      }),
    );
    ana.slash(channel.id, 'preferences');
    await handled();
    expect(ids).toEqual([fake.messages(channel.id)[0]?.id]);
  });
});

describe('components and modals', () => {
  it('updates the message of a button, or answers beside it', async () => {
    const { fake, ana, channel, rest, handled } = await shop(async interaction => {
      if (!interaction.isButton()) return;
      if (interaction.customId === 'stop') await interaction.update({ content: 'stopped', components: [] });
      else {
        await interaction.deferUpdate();
        await interaction.editReply('edited');
        await interaction.followUp({ content: 'note', flags: MessageFlags.Ephemeral });
      }
    });
    const body = { content: 'working', components: [row(button('stop'), button('note')).toJSON()] };
    const { id } = (await rest.post(Routes.channelMessages(channel.id), { body })) as { id: string };
    expect(customIdsOf(fake.messages(channel.id)[0] ?? fail())).toEqual(['stop', 'note']);
    ana.press(id, 'note');
    await handled(1);
    expect(ana.sees(channel.id).map(message => message.content)).toEqual(['edited', 'note']);
    ana.press(id, 'stop');
    await handled(2);
    expect(fake.channel(channel.id).messages.get(id)).toMatchObject({ content: 'stopped', components: [] });
    expect(() => ana.press(id, 'stop')).toThrow('no component stop');
  });

  it('lets only those who see a message use its components', async () => {
    const { ana, ben, channel, handled } = await shop(
      slash(interaction =>
        interaction.reply({ content: 'x', components: [row(button('undo'))], flags: MessageFlags.Ephemeral }),
      ),
    );
    ana.slash(channel.id, 'preferences');
    await handled();
    const [own] = ana.sees(channel.id);
    expect(() => ben.press(own?.id ?? '', 'undo')).toThrow('cannot see');
    ana.press(own?.id ?? '', 'undo');
  });

  it('refuses answers that do not fit the interaction', async () => {
    const { fake, ana, channel } = await shop();
    const interaction = ana.slash(channel.id, 'preferences');
    const answer = (type: number) =>
      createRest(fake).post(Routes.interactionCallback(interaction.id, interaction.token), {
        auth: false,
        body: { type, data: {} },
      });
    for (const type of [6, 7, 8])
      expect((await refusal(answer(type))).message).toContain('BASE_TYPE_CHOICES');
    expect(await refusal(answer(4))).toMatchObject({ code: 50006 });
  });

  it('passes selects and Components V2 through', async () => {
    const { ana, channel, handled, fake } = await shop(async interaction => {
      if (interaction.isChatInputCommand()) {
        const select = new StringSelectMenuBuilder()
          .setCustomId('size')
          .addOptions({ label: 'Small', value: 's' }, { label: 'Large', value: 'l' });
        const container = new ContainerBuilder()
          .addTextDisplayComponents(new TextDisplayBuilder().setContent('Size?'))
          .addActionRowComponents(row(select));
        await interaction.reply({ components: [container], flags: MessageFlags.IsComponentsV2 });
      } else if (interaction.isStringSelectMenu()) {
        const text = new TextDisplayBuilder().setContent(`Chose ${interaction.values.join()}`);
        await interaction.update({ components: [text] });
      }
    });
    ana.slash(channel.id, 'preferences');
    await handled(1);
    const message = fake.messages(channel.id)[0] ?? fail();
    expect(() => ana.select(message.id, 'size', ['x'])).toThrow('no option');
    ana.select(message.id, 'size', ['l']);
    await handled(2);
    expect(message.components).toMatchObject([{ type: 10, content: 'Chose l' }]);
    expect(message.flags & MessageFlags.IsComponentsV2).toBeTruthy();
  });

  it('opens a modal, takes what was filled in, and opens none from a modal', async () => {
    const { fake, ana, channel, handled } = await shop(async interaction => {
      if (interaction.isChatInputCommand()) {
        const input = new TextInputBuilder()
          .setCustomId('text')
          .setStyle(TextInputStyle.Paragraph)
          .setMaxLength(20)
          .setValue('old');
        const label = new LabelBuilder().setLabel('What I know').setTextInputComponent(input);
        await interaction.showModal(
          new ModalBuilder().setCustomId('edit').setTitle('Edit').addLabelComponents(label),
        );
      } else if (interaction.isModalSubmit()) {
        const text = interaction.fields.getTextInputValue('text');
        if (text === 'new') await interaction.reply(text);
      }
    });
    const opened = ana.slash(channel.id, 'preferences');
    const { modal } = await fake.answered(opened);
    expect(modal).toMatchObject({ custom_id: 'edit', title: 'Edit' });
    expect(() => ana.submit(opened, { text: 'x'.repeat(21) })).toThrow('at most 20');
    expect(() => ana.submit(opened, { other: 'x' })).toThrow('no input other');
    ana.submit(opened, { text: 'new' });
    await handled(2);
    expect(fake.messages(channel.id).map(message => message.content)).toEqual(['new']);

    const again = ana.submit(opened, { text: 'again' });
    const nested = createRest(fake).post(Routes.interactionCallback(again.id, again.token), {
      auth: false,
      body: { type: 9, data: { custom_id: 'x', title: 'x', components: [] } },
    });
    expect((await refusal(nested)).message).toContain('type[BASE_TYPE_CHOICES]');
  });

  it('holds modals to a title of 45 characters, five parts and 4,000 characters of text', async () => {
    const { fake, ana, channel } = await shop();
    const interaction = ana.slash(channel.id, 'preferences');
    const show = (data: Record<string, unknown>) =>
      createRest(fake).post(Routes.interactionCallback(interaction.id, interaction.token), {
        auth: false,
        body: { type: 9, data: { custom_id: 'm', title: 't', components: [label('a')], ...data } },
      });
    const label = (customId: string, more: Record<string, unknown> = {}) => ({
      type: 18,
      label: 'x',
      component: { type: 4, custom_id: customId, style: 1, ...more },
    });
    expect((await refusal(show({ title: 'x'.repeat(46) }))).message).toContain('data.title');
    const six = ['a', 'b', 'c', 'd', 'e', 'f'].map(customId => label(customId));
    expect((await refusal(show({ components: six }))).message).toContain('data.components');
    expect((await refusal(show({ components: [] }))).message).toContain('data.components');
    const long = show({ components: [label('a', { max_length: 4001 })] });
    expect((await refusal(long)).message).toContain('data.components[0].component.max_length');
    const wide = show({ components: [{ ...label('a'), label: 'x'.repeat(46) }] });
    expect((await refusal(wide)).message).toContain('data.components[0].label');
    await show({});
    expect(interaction.answer?.type).toBe(9);
  });

  it('asks for choices while someone types', async () => {
    const { fake, ana, channel, handled } = await shop(async interaction => {
      if (!interaction.isAutocomplete()) return;
      const typed = interaction.options.getFocused();
      await interaction.respond([{ name: `${typed}?`, value: typed }]);
    });
    fake.world.installForUser(ana.id);
    const interaction = ana.autocomplete(channel.id, 'ask', 'question', 'shoes');
    await handled();
    expect(interaction.answer?.choices).toEqual([{ name: 'shoes?', value: 'shoes' }]);
  });
});

describe('places', () => {
  it('names context and owners of a server, a DM and a private channel', async () => {
    const seen: unknown[] = [];
    const { fake, ana, ben, guild, channel, handled } = await shop(async interaction => {
      seen.push({
        context: interaction.context,
        owners: interaction.authorizingIntegrationOwners,
        inGuild: interaction.guildId,
        channel: interaction.channel?.id ?? null,
      });
    });
    ana.slash(channel.id, 'preferences');
    await handled(1);
    const dm = ana.dmChannel();
    ana.slash(dm.id, 'preferences');
    await handled(2);
    const between = fake.world.addPrivateChannel([ana.id, ben.id]);
    expect(() => ana.slash(between.id, 'preferences')).toThrow('not offered');
    fake.world.installForUser(ana.id);
    ana.slash(between.id, 'preferences');
    await handled(3);
    const elsewhere = fake.world.addGuild('Elsewhere', { members: [ana.id], withBot: false });
    const foreign = fake.world.addChannel(elsewhere.id, 'general');
    ana.slash(foreign.id, 'ask', { values: { question: 'shoes?' } });
    await handled(4);
    expect(seen).toMatchObject([
      { context: 0, owners: { 0: guild.id }, inGuild: guild.id, channel: channel.id },
      { context: 1, owners: { 0: '0' }, inGuild: null, channel: dm.id },
      { context: 2, owners: { 1: ana.id }, inGuild: null },
      { context: 0, owners: { 1: ana.id }, inGuild: elsewhere.id },
    ]);
  });

  it('allows five follow-ups where only the person installed the app', async () => {
    const { fake, ana, ben, handled } = await shop(
      slash(async interaction => {
        await interaction.reply('0');
        for (const text of ['1', '2', '3', '4', '5', '6']) await interaction.followUp(text);
      }),
    );
    fake.world.installForUser(ana.id);
    const between = fake.world.addPrivateChannel([ana.id, ben.id]);
    ana.slash(between.id, 'ask', { values: { question: 'x' } });
    expect(await refusal(handled())).toMatchObject({ status: 400, code: 40094 });
    expect(ben.sees(between.id).map(message => message.content)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(fake.journal.gateway({ event: 'MESSAGE_CREATE' })).toEqual([]);
  });

  it('hides public answers of user-installed apps where members may not use external apps', async () => {
    const { fake, ana, ben, handled } = await shop(slash(interaction => interaction.reply('x')));
    fake.world.installForUser(ana.id);
    const guild = fake.world.addGuild('Strict', {
      members: [ana.id, ben.id],
      withBot: false,
      everyone: PermissionFlagsBits.ViewChannel | PermissionFlagsBits.UseApplicationCommands,
    });
    const channel = fake.world.addChannel(guild.id, 'general');
    ana.slash(channel.id, 'ask', { values: { question: 'x' } });
    await handled();
    expect(ana.sees(channel.id)).toHaveLength(1);
    expect(ben.sees(channel.id)).toHaveLength(0);
  });

  it('gives a message command the content of its message, without the intent', async () => {
    const contents: string[] = [];
    const { ana, ben, channel, handled } = await shop(async interaction => {
      if (!interaction.isMessageContextMenuCommand()) return;
      contents.push(interaction.targetMessage.content);
      await interaction.reply({ content: 'noted', flags: MessageFlags.Ephemeral });
    });
    const said = ben.say(channel.id, 'I wear size 42');
    ana.messageCommand('Ask the shopper about this', said.id);
    await handled();
    expect(contents).toEqual(['I wear size 42']);
    expect(ana.sees(channel.id).at(-1)?.reference?.messageId).toBe(said.id);
  });

  it('refuses a callback in a locked, archived thread', async () => {
    const { fake, ana, channel, handled } = await shop(slash(interaction => interaction.reply('x')));
    const thread = ana.startThread(channel.id, 'old');
    fake.world.setThread(thread.id, { archived: true, locked: true });
    ana.slash(thread.id, 'preferences');
    expect(await refusal(handled())).toMatchObject({ code: 50083 });
  });
});

function fail(): never {
  throw new Error('there is no such message');
}
