/** The whole bot behind Discord's commands, buttons and forms: real core, real SDK, real runtime. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDiscordAdapter } from '../../../src/adapters/discord/adapter.ts';
import { parseAgentFile } from '../../../src/core/agent-file.ts';
import { type Bot, createBot } from '../../../src/core/bot.ts';
import { createCustomTools } from '../../../src/core/turn/custom-tools.ts';
import { createLog } from '../../../src/log.ts';
import { createAgentLoop } from '../../../src/runtime/agent-loop.ts';
import { createRuntime, type Runtime } from '../../../src/runtime/server.ts';
import type { Message } from '../../fakes/discord/state.ts';
import { SHOPPER } from '../../helpers/bench.ts';
import { obedientModel, write } from '../../helpers/memory.ts';
import { createRecordingAdapter, type RecordingAdapter } from '../../helpers/recording-adapter.ts';
import { createWorld, PERSONA, type World } from './harness.ts';
import { answerTo, chose, formOf, pressed, words } from './interacting.ts';

let dir: string;
let world: World;
let runtime: Runtime;
let client: Anthropic;
let bot: Bot;
let elsewhere: RecordingAdapter;
let dm: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'discord-memory-'));
  // Its server, people and state; the adapter in it is never started.
  world = await createWorld();
  const { discord, state } = world;
  const loop = createAgentLoop({ model: obedientModel() });
  runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop, apiKey: 'key' });
  client = new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' });
  const log = createLog('silent');
  const settings = {
    token: discord.token,
    applicationId: discord.applicationId,
    apiUrl: discord.apiUrl,
    shards: 'auto' as const,
    messageContent: 'auto' as const,
    catchUpMs: 30 * 60_000,
    privateNotices: 'line' as const,
  };
  elsewhere = createRecordingAdapter('slack');
  bot = createBot({
    client,
    state,
    file: parseAgentFile(SHOPPER, 'agent.yml'),
    tools: createCustomTools([]),
    adapters: [
      createDiscordAdapter({
        settings,
        persona: PERSONA,
        state,
        log,
        now: discord.clock.now,
        minIntervalMs: 5,
      }),
      elsewhere,
    ],
    notices: undefined,
    limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
    log,
  });
  await bot.start();
  dm = discord.as(world.ana.id).dmChannel().id;
});

afterEach(async () => {
  await bot.stop();
  await world.close();
  await runtime.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Says something in the DM; resolves with the reply once the turn is over. */
async function say(text: string): Promise<Message> {
  const { discord, ana } = world;
  const sent = discord.as(ana.id).dm(text);
  const reply = await discord.until(
    () =>
      discord
        .messages(dm)
        .find(({ id, content }) => BigInt(id) > BigInt(sent.id) && /^(Done|Hello)\.$/.test(content)),
    `the reply to ${text}`,
  );
  await bot.idle();
  return reply;
}

const command = (line: string, values: Record<string, string | number> = {}) =>
  world.discord.as(world.ana.id).slash(dm, 'preferences', { path: line.split(' '), values });
const shown = (line: string, values?: Record<string, string | number>) =>
  answerTo(world, command(line, values));

async function files(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const store of client.beta.memoryStores.list()) {
    if (store.metadata.person !== world.ana.id) continue;
    for await (const item of client.beta.memoryStores.memories.list(store.id, { view: 'full' })) {
      if (item.type === 'memory') found[item.path] = item.content ?? '';
    }
  }
  return found;
}

/** Behind the bot's back, as an operator would. */
async function operate(path: string, content: string): Promise<void> {
  for await (const store of client.beta.memoryStores.list()) {
    for await (const item of client.beta.memoryStores.memories.list(store.id)) {
      if (item.type !== 'memory' || item.path !== path) continue;
      await client.beta.memoryStores.memories.update(item.id, { memory_store_id: store.id, content });
    }
  }
}

describe('a person and their memory, on Discord', () => {
  it('fills in the form, edits a note, and brings back what it said', async () => {
    const { discord, ana } = world;
    await say(write('sizes.md', '- shoe size: 9\n'));
    const opened = command('set', { field: 'budget' });
    expect((await formOf(world, opened)).values).toMatchObject({ shoe_size: '9', budget: '' });
    const after = await answerTo(world, discord.as(ana.id).submit(opened, { budget: 'boots up to $120' }));
    expect(words(after)).toContain('Saved. Budget: boots up to $120.');
    const edited = command('edit', { note: 'sizes' });
    const { values } = await formOf(world, edited);
    expect(values.text_0).toContain('- shoe size: 9');
    await answerTo(world, discord.as(ana.id).submit(edited, { text_0: '- shoe size: 10' }));
    expect((await files())['/sizes.md']).toBe('- shoe size: 10\n');
    const history = await shown('history', { note: 'sizes' });
    await pressed(world, ana.id, history, 'Bring back');
    expect(words(history)).toContain('Restored: Sizes.');
    expect((await files())['/sizes.md']).toContain('- shoe size: 9');
  });

  it('decides when somebody else was faster', async () => {
    const { discord, ana } = world;
    await say(write('style.md', '- plain\n'));
    const opened = command('edit', { note: 'style' });
    await discord.answered(opened);
    await operate('/style.md', '- plain\n- sporty\n');
    const conflict = await answerTo(world, discord.as(ana.id).submit(opened, { text_0: '- bright' }));
    expect(words(conflict)).toMatch(/- plain\n- sporty[\s\S]*- bright/);
    await pressed(world, ana.id, conflict, 'Keep mine');
    expect(words(conflict)).toContain('Saved: Style.');
    expect((await files())['/style.md']).toBe('- bright\n');
  });

  it('forgets one fact of a note, for good, with a receipt', async () => {
    const { ana } = world;
    await say(write('sizes.md', '- shoe size: 9\n- coat: M\n'));
    const note = await shown('view', { note: 'sizes' });
    expect(words(note)).toContain('a private conversation on Discord');
    await chose(world, ana.id, note, 'coat: M');
    expect(words(note)).toContain('coat: M');
    expect(words(note)).not.toContain('shoe size');
    await pressed(world, ana.id, note, 'Forget it');
    expect(words(note)).toContain('1 fact');
    expect(await files()).toEqual({ '/sizes.md': '- shoe size: 9\n' });
    const history = await shown('history');
    expect(words(history)).not.toContain('coat: M');
  });

  it('asks why of a reply, undoes by command, and takes an export along', async () => {
    const { discord, ana } = world;
    await say(write('sizes.md', '- shoe size: 9\n'));
    const reply = await say('read sizes.md');
    await say('Hello');
    const why = await answerTo(world, discord.as(ana.id).messageCommand('Why this?', reply.id));
    expect(words(why)).toMatch(/\*\*Sizes\*\*\n-# .*read for it/);
    const [file] = (await shown('export', { format: 'json' })).attachments;
    expect(JSON.stringify(JSON.parse(file?.data.toString() ?? ''))).toContain('shoe size: 9');
    expect(words(await shown('undo'))).toContain('Undone: shoe size: 9 is gone.');
    expect(await files()).toEqual({});
  });

  it('makes the DM private before saying anything in it, and is forgotten on request', async () => {
    const { ana } = world;
    expect(words(await shown('private', { mode: 'on' }))).toContain(
      'From your next message on, this conversation is private',
    );
    await say('Hello');
    expect(words(await shown('view'))).toContain('This conversation is private');
    expect(words(await shown('private', { mode: 'off' }))).toContain('No longer private');
    await say(write('sizes.md', '- shoe size: 9\n'));
    const asked = await shown('forget me');
    expect(words(asked)).toContain('shoe size: 9');
    await pressed(world, ana.id, asked, 'Forget me');
    expect(words(asked)).toContain('I have forgotten you.');
    expect(await files()).toEqual({});
    for (const name of ['discord-answer', 'discord-notice', 'discord-spoke']) {
      const rows: string[] = [];
      for await (const [key] of world.state.table(name).entries()) rows.push(key);
      expect([name, rows]).toEqual([name, []]);
    }
  });

  it('has one memory with an account elsewhere, by a code, and parts again', async () => {
    const { ana } = world;
    await say(write('sizes.md', '- shoe size: 9\n'));
    const given = await shown('link');
    const code = /```\n(.+)\n```/.exec(words(given))?.[1] ?? '';
    const conversation = elsewhere.conversation({ user: 'ann' });
    const { person } = conversation;
    const port = elsewhere.bot();
    const asked = await port.command({
      person,
      conversation,
      action: { type: 'link', code, confirmed: false },
    });
    if (asked.type !== 'confirm') throw new Error(`asked with ${asked.type}`);
    await port.command({ person, conversation, action: asked.action });
    const linked = await shown('view');
    expect(words(linked)).toContain('on Slack: one memory for both');
    await pressed(world, ana.id, linked, 'Unlink this account');
    expect(words(linked)).toContain('Leave it as it is');
  });

  it('lets a note be used where others read, and takes that back', async () => {
    await say(write('sizes.md', '- shoe size: 9\n'));
    const asked = await shown('share', { note: 'sizes' });
    await pressed(world, world.ana.id, asked, 'Use it there too');
    expect(words(await shown('view'))).toContain('**Sizes** · 👥 used where others can read too');
    await shown('unshare', { note: 'sizes' });
    expect(words(await shown('view'))).not.toContain('where others can read too');
  });

  it('is offered what is there while typing', async () => {
    const { discord, ana } = world;
    await say(write('sizes.md', '- shoe size: 9\n- coat: M\n'));
    const typing = discord
      .as(ana.id)
      .autocomplete(dm, 'preferences', 'fact', 'coat', { path: ['forget', 'fact'] });
    const { choices } = await discord.answered(typing);
    expect(choices?.map(({ name }) => name)).toEqual(['coat: M (Sizes)']);
    const asked = await shown('forget fact', { fact: String(choices?.[0]?.value) });
    expect(words(asked)).toContain('coat: M');
  });
});
