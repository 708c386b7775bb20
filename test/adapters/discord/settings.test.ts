import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandsOf, sameCommands } from '../../../src/adapters/discord/commands.ts';
import { inviteLink, PERMISSIONS } from '../../../src/adapters/discord/connection/permissions.ts';
import { DISCORD_VARIABLES, readDiscordSettings } from '../../../src/adapters/discord/connection/settings.ts';
import { customId, type PressedAction, readCustomId } from '../../../src/adapters/discord/custom-id.ts';
import { PERSONA } from './harness.ts';

const credentials = { DISCORD_TOKEN: 'Bot abc.def.ghi', DISCORD_APPLICATION_ID: '123456789012345678' };

describe('settings', () => {
  it('are none without credentials, and full of defaults with them', () => {
    expect(readDiscordSettings({ DISCORD_SHARDS: 'x', DISCORD_TOKEN: ' ' })).toBeNull();
    expect(readDiscordSettings(credentials)).toEqual({
      token: 'abc.def.ghi',
      applicationId: '123456789012345678',
      apiUrl: undefined,
      shards: 'auto',
      messageContent: 'auto',
      catchUpMs: 30 * 60_000,
      privateNotices: 'line',
    });
  });

  it('are read from the environment', () => {
    expect(
      readDiscordSettings({
        ...credentials,
        DISCORD_API_URL: 'http://127.0.0.1:4000/api/',
        DISCORD_SHARDS: '4',
        DISCORD_MESSAGE_CONTENT: 'off',
        DISCORD_CATCH_UP_MINUTES: '5',
        DISCORD_PRIVATE_NOTICES: 'dm',
      }),
    ).toMatchObject({
      apiUrl: 'http://127.0.0.1:4000/api',
      shards: 4,
      messageContent: 'off',
      catchUpMs: 5 * 60_000,
      privateNotices: 'dm',
    });
  });

  it('take the base of the API with its version as well', () => {
    const given = (url: string) =>
      readDiscordSettings({
        DISCORD_TOKEN: 'x',
        DISCORD_APPLICATION_ID: '1'.repeat(18),
        DISCORD_API_URL: url,
      })?.apiUrl;
    expect(
      ['/api', '/api/', '/api/v10', '/api/v10/'].map(path => given(`http://127.0.0.1:1${path}`)),
    ).toEqual(Array.from({ length: 4 }, () => 'http://127.0.0.1:1/api'));
  });

  it('take any number as the Application ID where another server gives them out', () => {
    const given = { DISCORD_TOKEN: 'x', DISCORD_APPLICATION_ID: '1001' };
    expect(() => readDiscordSettings(given)).toThrow('17 to 20 digits');
    const there = { ...given, DISCORD_API_URL: 'http://127.0.0.1:4000/api' };
    expect(readDiscordSettings(there)?.applicationId).toBe('1001');
  });

  it('name every problem at once and no value', () => {
    const wrong = {
      DISCORD_TOKEN: 'secret-token',
      DISCORD_APPLICATION_ID: 'shopper',
      DISCORD_API_URL: 'nowhere',
      DISCORD_SHARDS: 'many',
      DISCORD_MESSAGE_CONTENT: 'maybe',
      DISCORD_CATCH_UP_MINUTES: '-1',
      DISCORD_PRIVATE_NOTICES: 'pigeon',
    };
    const read = () => readDiscordSettings(wrong);
    for (const [name, value] of Object.entries(wrong).slice(1)) {
      expect(read).toThrow(name);
      if (value.length > 2) expect(read).not.toThrow(value);
    }
    expect(() => readDiscordSettings({ DISCORD_APPLICATION_ID: '123456789012345678' })).toThrow(
      'DISCORD_TOKEN is needed',
    );
  });
});

describe('custom ids', () => {
  it('come back as they went out, within 100 characters', () => {
    const actions: PressedAction[] = [
      { type: 'stop', channel: 'ask-123456789012345678901' },
      { type: 'answer', question: 'abcdefghijklmnopqrstuv', allow: true },
      { type: 'undo', noticeId: 'abcdefghijkl', quiet: true },
      { type: 'notice', noticeId: 'abcdefghijkl' },
      { type: 'memory', page: 3, fresh: false },
      { type: 'file', memoryId: 'mem_011CZkZMV3nXzMhBQWCQW6uE', page: 12, stored: true },
      { type: 'history', page: 12, part: 3, memoryId: 'mem_011CZkZMV3nXzMhBQWCQW6uE' },
      { type: 'why', page: 0, reply: '123456789012345678901' },
      { type: 'open', form: 'a3f1c2d4-1111-4222-8333-444455556666' },
      {
        type: 'forget',
        memoryId: 'mem_011CZkZMV3nXzMhBQWCQW6uE',
        factId: 'abcdefghijklmnop',
        revision: 'abcdef012345',
        confirmed: false,
        page: 3,
      },
      {
        type: 'forget-past',
        memoryId: 'mem_011CZkZMV3nXzMhBQWCQW6uE',
        factId: 'abcdefghijklmnop',
        confirmed: false,
        page: 3,
      },
      {
        type: 'forget-since',
        since: '2026-11-01T10:00:00.123Z',
        until: '2026-11-22T20:44:47.123456Z',
        confirmed: false,
        page: 12,
      },
      { type: 'restore', versionId: 'memver_011CZkZMV3nXzMhBQWCQW6uE', revision: 'abcdef012345' },
      { type: 'link', code: 'A:B~C%D', confirmed: true },
      { type: 'notices' },
      { type: 'ask', about: '123456789012345678901' },
    ];
    for (const action of actions) {
      const id = customId('123456789012345678901', action);
      expect(id.length).toBeLessThanOrEqual(100);
      expect(readCustomId(id)).toEqual({ owner: '123456789012345678901', action });
    }
  });

  it('of others are none', () => {
    for (const id of ['', 'hello', '1:unknown:2', '1:stop', '1:undo']) expect(readCustomId(id)).toBeNull();
  });
});

describe('commands', () => {
  const COMMANDS = commandsOf(PERSONA);

  it('are called by the persona’s name, and set what its form asks for', () => {
    const named = (name: string) =>
      commandsOf({ ...PERSONA, name })
        .map(command => command.name)
        .find(it => it.startsWith('Ask '));
    expect(named('shopper')).toBe('Ask shopper about this');
    expect(named('running-coach')).toBe('Ask running coach about this');
    expect(named('the-assistant-of-fern-and-field')).toBe('Ask me about this');
    const goal = JSON.stringify(commandsOf({ name: 'coach', fields: [{ name: 'goal', label: 'Goal' }] }));
    expect(goal).toContain('"choices":[{"name":"Goal","value":"goal"}]');
    expect(goal).not.toContain('Shoe size');
    expect(JSON.stringify(commandsOf({ name: 'coach', fields: [] }))).not.toContain('"name":"set"');
  });

  it('are the same when Discord adds what it adds, and others when a word differs', () => {
    const registered = COMMANDS.map((command, index) => ({
      ...command,
      id: String(index),
      version: '1',
      application_id: '2',
      default_member_permissions: null,
      nsfw: false,
      description_localizations: null,
      ...('description' in command ? {} : { description: '' }),
    })).reverse();
    expect(sameCommands(registered, COMMANDS)).toBe(true);
    expect(sameCommands(registered.slice(1), COMMANDS)).toBe(false);
    const changed = registered.map(command => ({ ...command, contexts: [0] }));
    expect(sameCommands(changed, COMMANDS)).toBe(false);
    expect(sameCommands(undefined, COMMANDS)).toBe(false);
  });
});

describe('docs/discord.md', () => {
  const docs = readFileSync(resolve(import.meta.dirname, '../../../docs/discord.md'), 'utf8');

  it('derives the invite link from the permissions that are asked for', () => {
    const asked = new URL(inviteLink('123456789012345678')).searchParams.get('permissions');
    expect(docs).toContain(`&permissions=${asked}\n`);
    const rows = [...docs.matchAll(/^\| ([A-Z][\w ]+) \| (\d+) \| (\d+) \|/gm)];
    expect(rows.map(([, name, , value]) => [name, value]).sort()).toEqual(
      PERMISSIONS.map(({ name, flag }) => [name, String(flag)]).sort(),
    );
    for (const [, , bit, value] of rows) expect(1n << BigInt(bit ?? '')).toBe(BigInt(value ?? ''));
  });

  it('names every setting', () => {
    const named = [...docs.matchAll(/^\| `(DISCORD_\w+)` \|/gm)].map(match => match[1]);
    expect(named.sort()).toEqual([...DISCORD_VARIABLES].sort());
  });
});

describe('the invite link', () => {
  it('asks for what is used and no more', () => {
    const link = new URL(inviteLink('123456789012345678'));
    expect(link.searchParams.get('scope')).toBe('bot applications.commands');
    // View, send, create public threads, send in threads, read history, connect.
    expect(BigInt(link.searchParams.get('permissions') ?? '')).toBe(
      (1n << 10n) | (1n << 11n) | (1n << 35n) | (1n << 38n) | (1n << 16n) | (1n << 20n),
    );
  });
});
