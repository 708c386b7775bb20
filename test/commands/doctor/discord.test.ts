import { PermissionFlagsBits, Routes } from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandsOf, personaOf } from '../../../src/adapters/discord/commands.ts';
import { readAgentFile } from '../../../src/core/agent-file.ts';
import { OWN_AGENT_FILE } from '../../../src/own-files.ts';
import {
  createFakeDiscord,
  type FakeDiscord,
  type FakeDiscordOptions,
} from '../../fakes/discord/fake-discord.ts';
import { createRest } from '../../fakes/discord/login.ts';
import { temporaryFolder } from '../../helpers/cli.ts';
import { diagnose } from './running.ts';

/** Of the persona that the doctor finds here. */
const COMMANDS = commandsOf(personaOf(await readAgentFile(OWN_AGENT_FILE)));

let folder: { path: string; remove(): Promise<void> };
let discord: FakeDiscord | undefined;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await discord?.stop();
  await folder.remove();
});

/** An application as docs/discord.md sets it up, in one server, but for `options`. */
async function setUp(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
  const it = await createFakeDiscord({ privileged: { messageContent: true }, ...options });
  discord = it;
  it.world.addGuild('Shoes');
  await createRest(it).put(Routes.applicationCommands(it.applicationId), { body: COMMANDS });
  return it;
}

const settingsOf = (it: FakeDiscord, more: Record<string, string> = {}) => ({
  SHOPPER_DATA_DIR: folder.path,
  DISCORD_API_URL: it.apiUrl,
  DISCORD_TOKEN: it.token,
  DISCORD_APPLICATION_ID: it.applicationId,
  ...more,
});

it('an application set up as described is fine, and is left as it was', async () => {
  const it = await setUp();
  const writes = () => it.journal.rest().filter(({ method }) => method !== 'GET').length;
  const before = writes();
  const found = await diagnose(settingsOf(it));
  expect(found).toMatchObject({ code: 0, found: [] });
  const said = found.checks.filter(({ group }) => group === 'discord').map(({ text }) => text);
  expect(said).toEqual([
    `Discord accepts DISCORD_TOKEN: Shopper (${it.applicationId})`,
    'The Message Content intent is on',
    `The ${COMMANDS.length} commands are registered`,
    expect.stringMatching(/1000 of 1000 connections left/),
    '1 server, with every permission the bot uses',
  ]);
  expect(writes()).toBe(before);
  expect(it.gateway.sessions).toHaveLength(0);
});

describe('the Message Content intent', () => {
  it('switched off keeps a bot that insists on it from connecting', async () => {
    const it = await setUp({ privileged: { messageContent: false } });
    const found = await diagnose(settingsOf(it, { DISCORD_MESSAGE_CONTENT: 'on' }));
    expect(found).toMatchObject({ code: 1, found: ['discord.intent_missing'] });
    expect(found.of('discord.intent_missing').mend).toMatch(
      new RegExp(
        `${it.applicationId}/bot → Privileged Gateway Intents → Message Content Intent: switch it on`,
      ),
    );
  });

  it('switched off costs the others their follow-ups, which is said', async () => {
    const it = await setUp({ privileged: { messageContent: false } });
    const found = await diagnose(settingsOf(it));
    expect(found).toMatchObject({ code: 0, found: ['discord.intent_off'] });
    expect(found.of('discord.intent_off').text).toMatch(/every follow-up in a thread needs a mention/);
  });

  it('that nobody asks for is fine either way, and so is the one of a reviewed application', async () => {
    const without = await setUp({ privileged: { messageContent: false } });
    expect((await diagnose(settingsOf(without, { DISCORD_MESSAGE_CONTENT: 'off' }))).found).toEqual([]);
    await without.stop();
    const verified = await setUp({ verified: true });
    expect((await diagnose(settingsOf(verified, { DISCORD_MESSAGE_CONTENT: 'on' }))).found).toEqual([]);
  });
});

describe('the credentials', () => {
  it('a token that was reset is named with where the new one is, and never printed', async () => {
    const it = await setUp();
    const env = settingsOf(it);
    it.resetToken(`${it.token}x`);
    const found = await diagnose(env);
    expect(found).toMatchObject({ code: 1, found: ['discord.token_refused'] });
    expect(found.of('discord.token_refused').mend).toMatch(/\/bot → Reset Token/);
    expect(found.printed).not.toContain(env.DISCORD_TOKEN);
  });

  it('an id of another application is told with the right one', async () => {
    const it = await setUp();
    const found = await diagnose(settingsOf(it, { DISCORD_APPLICATION_ID: '123456789012345678' }));
    expect(found).toMatchObject({ code: 1, found: ['discord.application_differs'] });
    expect(found.of('discord.application_differs').mend).toContain(
      `DISCORD_APPLICATION_ID=${it.applicationId}`,
    );
  });
});

describe('the application', () => {
  it('with an interactions endpoint never tells the bot of a command', async () => {
    const it = await setUp({ interactionsEndpointUrl: 'https://example.com/interactions' });
    const found = await diagnose(settingsOf(it));
    expect(found).toMatchObject({ code: 1, found: ['discord.interactions_endpoint'] });
    expect(found.of('discord.interactions_endpoint').mend).toMatch(/clear Interactions Endpoint URL/);
  });

  it('that requires the code grant cannot be invited with the link', async () => {
    const it = await setUp({ requireCodeGrant: true });
    expect((await diagnose(settingsOf(it))).found).toEqual(['discord.code_grant']);
  });

  it('with other commands than the bot’s says which; the bot registers them itself', async () => {
    const it = await setUp();
    const other = { type: 1, name: 'horoscope', description: 'What the stars say' };
    const body = [...COMMANDS.filter(({ name }) => name !== 'ask'), other];
    await createRest(it).put(Routes.applicationCommands(it.applicationId), { body });
    const found = await diagnose(settingsOf(it));
    expect(found).toMatchObject({ code: 0, found: ['discord.commands_differ'] });
    expect(found.of('discord.commands_differ').text).toMatch(/missing: ask; not the bot's: horoscope/);
    expect(found.of('discord.commands_differ').mend).toMatch(/start it, or restart it/);
  });
});

describe('connecting', () => {
  it('is not possible once the starts of a day are used up', async () => {
    const it = await setUp({ identifiesPerDay: 0 });
    const found = await diagnose(settingsOf(it));
    expect(found).toMatchObject({ code: 1, found: ['discord.starts_used_up'] });
    expect(found.of('discord.starts_used_up').text).toMatch(/0 of 0 connections left for the next \d+ min/);
  });

  it('with fewer shards than Discord recommends is a warning', async () => {
    const it = await setUp({ shards: 4 });
    expect((await diagnose(settingsOf(it, { DISCORD_SHARDS: '2' }))).found).toEqual([
      'discord.too_few_shards',
    ]);
    expect((await diagnose(settingsOf(it, { DISCORD_SHARDS: '4' }))).found).toEqual([]);
  });
});

describe('servers', () => {
  it('none yet: the invitation is given', async () => {
    const it = await setUp();
    for (const guild of it.state.guilds.keys()) it.world.removeBot(guild);
    const found = await diagnose(settingsOf(it));
    expect(found.found).toEqual(['discord.no_server']);
    expect(found.of('discord.no_server').mend).toContain(`client_id=${it.applicationId}`);
  });

  it('where a permission is missing are named, wherever in the list they are', async () => {
    const it = await setUp();
    for (let n = 0; n < 220; n += 1) it.world.addGuild(`Server ${n}`);
    const all =
      PermissionFlagsBits.ViewChannel | PermissionFlagsBits.SendMessages | PermissionFlagsBits.Connect;
    it.world.addGuild('Hats', { everyone: all | PermissionFlagsBits.ReadMessageHistory });
    it.world.addGuild('Theirs', { everyone: 0n, botPermissions: PermissionFlagsBits.Administrator });
    const found = await diagnose(settingsOf(it));
    expect(found).toMatchObject({ code: 0, found: ['discord.permission_missing'] });
    expect(found.of('discord.permission_missing').text).toBe(
      'In Hats the bot may not: Create Public Threads and Send Messages in Threads',
    );
    expect(found.checks.map(({ text }) => text)).toContain('222 servers with every permission');
  });
});

it('a Discord in trouble is told apart from a wrong token', async () => {
  const it = await setUp();
  it.faults.add({ route: '/applications/@me', effect: { type: 'status', status: 503 } });
  const found = await diagnose(settingsOf(it));
  expect(found).toMatchObject({ code: 1, found: ['discord.unreachable'] });
  expect(found.of('discord.unreachable').text).toMatch(/answers with HTTP status 503/);
  it.faults.add({ route: '/applications/@me', effect: { type: 'rate-limit', retryAfterMs: 60_000 } });
  expect((await diagnose(settingsOf(it))).of('discord.unreachable').text).toMatch(/rate limit/);
});
