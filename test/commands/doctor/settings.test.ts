import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkNode } from '../../../src/commands/doctor/settings.ts';
import { temporaryFolder } from '../../helpers/cli.ts';
import { openShop } from '../../helpers/commands.ts';
import { diagnose } from './running.ts';

describe('Node', () => {
  it('that is older than the program’s floor is named', () => {
    expect(checkNode('20.18.3', '20.19')).toMatchObject({ level: 'problem', code: 'node.too_old' });
    expect(checkNode('18.20.0', '20.19')).toMatchObject({ level: 'problem' });
    expect(checkNode('20.19.0', '20.19')).toMatchObject({ level: 'fine' });
    expect(checkNode('24.1.0', '20.19')).toMatchObject({ level: 'fine' });
  });
});

describe('settings', () => {
  it('each mistake is a finding of its own, and one platform’s do not hide the others', async () => {
    const folder = await temporaryFolder();
    const it = await diagnose({
      SHOPPER_DATA_DIR: folder.path,
      SLACK_BOT_TOKEN: 'xoxb-1',
      DISCORD_TOKEN: 'something',
      DISCORD_APPLICATION_ID: 'my-bot',
      DISCORD_SHARD: '2',
      ANTHROPIC_BASE_URL: 'not a url',
    });
    expect(it.code).toBe(1);
    expect(it.checks.filter(({ code }) => code !== undefined).map(({ code, text }) => [code, text])).toEqual([
      ['settings.invalid', 'ANTHROPIC_BASE_URL must be a URL such as http://127.0.0.1:8787'],
      [
        'settings.invalid',
        'SLACK_APP_TOKEN is needed for Socket Mode, or SLACK_SIGNING_SECRET for requests over HTTP',
      ],
      ['settings.invalid', 'DISCORD_APPLICATION_ID must be the Application ID, a number of 17 to 20 digits'],
      ['settings.unknown', 'Nothing reads DISCORD_SHARD'],
    ]);
    const state = await diagnose({ SHOPPER_DATA_DIR: folder.path, SLACK_BOT_TOKEN: 'xoxb-1' });
    expect(state.checks.map(({ group }) => group)).toContain('state');
    await folder.remove();
  });

  it('an adapter that cannot be loaded is found, and one that can is not made', async () => {
    const folder = await temporaryFolder();
    const write = async (name: string, text: string) => {
      const path = join(folder.path, name);
      await writeFile(path, text);
      return path;
    };
    const good = await write('good.mjs', 'export default () => { throw new Error("made"); };\n');
    const empty = await write('empty.mjs', 'export const adapter = 1;\n');
    const it = await diagnose({ SHOPPER_DATA_DIR: folder.path, ADAPTERS: `./nope.ts,${good},${empty}` });
    expect(it).toMatchObject({ code: 1, found: ['settings.adapter', 'settings.adapter'] });
    expect(it.of('settings.adapter').text).toMatch(/^Cannot load \.\/nope\.ts: /);
    expect(it.printed).toContain(`${empty} must export a function that creates an adapter`);
    expect(it.printed).not.toContain('made"');
    await folder.remove();
  });

  it('a HEALTH_PORT that somebody else has is found, and one that a bot has is fine', async () => {
    const folder = await temporaryFolder();
    let page = 'hello';
    const other = createServer((_, response) => response.end(page));
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const env = { SHOPPER_DATA_DIR: folder.path, HEALTH_PORT: String(port) };
    const taken = await diagnose(env);
    expect(taken).toMatchObject({ code: 1, found: ['settings.health_port'] });
    expect(taken.of('settings.health_port').text).toBe(`HEALTH_PORT ${port} is taken by another program`);
    page = '{"status":"ok"}';
    const own = await diagnose(env);
    expect(own).toMatchObject({ code: 0, found: [] });
    // It has this machine's clock, so it proves nothing about it.
    expect(own.checks.filter(({ group }) => group === 'clock')).toEqual([]);
    other.closeAllConnections();
    other.close();
    await once(other, 'close');
    expect((await diagnose(env)).printed).toContain(`HEALTH_PORT ${port} is free to listen on`);
    await folder.remove();
  });

  it.each([
    ['SLACK_BOT_TOKEN', 'xoxp-1-2-3', /user token/],
    ['SLACK_BOT_TOKEN', 'xoxe.xoxp-1-abc', /app configuration token.*SLACK_CONFIG_TOKEN/],
    ['SLACK_SIGNING_SECRET', 'xoxb-1-2', /bot token.*SLACK_BOT_TOKEN/],
    ['DISCORD_TOKEN', 'xoxb-1-2', /Slack bot token/],
    [
      'ANTHROPIC_API_KEY',
      `${'a'.repeat(24)}.${'b'.repeat(6)}.${'c'.repeat(38)}`,
      /Discord bot token.*DISCORD_TOKEN/,
    ],
    ['SLACK_APP_TOKEN', 'sk-ant-api03-secret', /Anthropic API key.*ANTHROPIC_API_KEY/],
  ])('%s with what belongs elsewhere says so and does not repeat it', async (variable, value, sentence) => {
    const folder = await temporaryFolder();
    // Nothing is sent anywhere: the addresses lead nowhere.
    const nowhere = 'http://127.0.0.1:1';
    const it = await diagnose({
      SHOPPER_DATA_DIR: folder.path,
      ANTHROPIC_BASE_URL: nowhere,
      SLACK_API_URL: nowhere,
      DISCORD_API_URL: nowhere,
      [variable]: value,
    });
    expect(it.code).toBe(1);
    const { text, mend } = it.of('settings.token_misplaced');
    expect(`${text} ${mend}`).toMatch(sentence);
    expect(text).toMatch(new RegExp(`^${variable} holds`));
    expect(it.printed).not.toContain(value);
    await folder.remove();
  });
});

describe('agent.yml', () => {
  it('every mistake is a finding with its line', async () => {
    const shop = await openShop();
    const AGENT_FILE = await shop.file(
      'bad.yml',
      'name: a\nmodel: m\nsystem: s\nmodle: x\ntools: {read: maybe}\n',
    );
    const it = await diagnose({ ...shop.env, AGENT_FILE });
    expect(it).toMatchObject({ code: 1, found: ['settings.agent_file', 'settings.agent_file'] });
    expect(it.checks.map(({ text }) => text)).toContain(`${AGENT_FILE}, line 4: modle: is not a setting`);
    const missing = await diagnose({ ...shop.env, AGENT_FILE: '/nowhere.yml' });
    expect(missing.of('settings.agent_file')).toMatchObject({
      text: 'Cannot read the agent file /nowhere.yml',
      mend: 'Set AGENT_FILE to where it is.',
    });
    const tools = await shop.file(
      'tools.yml',
      'name: a\nmodel: m\nsystem: s\ncustom_tools: [order_status]\n',
    );
    expect((await diagnose({ ...shop.env, AGENT_FILE: tools })).of('settings.agent_file').text).toMatch(
      /custom tool "order_status"/,
    );
    await shop.stop();
  });
});
