import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

describe('a limit in seconds', () => {
  it.each(['TURN_LIMIT_SECONDS', 'QUESTION_LIMIT_SECONDS', 'OUTAGE_LIMIT_SECONDS'])(
    '%s that no timer can wait for is refused, and the longest that one can is taken',
    name => {
      expect(() => readConfig({ [name]: '9999999' })).toThrow(`${name} must be at most 2147483`);
      const { limits } = readConfig({ [name]: '2147483' });
      expect(Object.values(limits)).toContain(2_147_483_000);
    },
  );
});

describe('the address of a database', () => {
  const hidden = 's3cr3t';
  const unreadable = [
    `postgres://bot:${hidden}/x@db:5432/bot`,
    `postgres://bot:${hidden}#x@db/bot`,
    `postgres://bot:${hidden}?x@db/bot`,
    `postgres://bot:${hidden}%zz@db/bot`,
    // Port 12 of the host "bot".
    'postgres://bot:12/34@db/bot',
    'postgres://bot:12#34@db/bot',
    'postgres://bot:12?34@db/bot',
  ];

  it.each(unreadable)('whose password would have to be written differently says so: %s', url => {
    for (const [name, address] of [
      ['DATABASE_URL', url],
      ['REDIS_URL', url.replace('postgres', 'redis')],
    ] as const) {
      const read = () => readConfig({ DATABASE_URL: 'sqlite', [name]: address });
      expect(read).toThrow(`${name} cannot be read as a URL; write characters such as / #`);
      expect(read).not.toThrow(hidden);
      expect(read).not.toThrow('must be a URL');
    }
  });

  it('is taken where they are, and in every other form it may have', () => {
    for (const url of [
      'postgres://bot:a%2Fb%23c%25d%40e@db:5432/bot?sslmode=require',
      'postgresql:///bot?host=/var/run/postgresql',
      'postgres://bot@db/bot',
      'rediss://:secret@cache:6380/2',
      'sqlite',
    ]) {
      expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
    }
    expect(() => readConfig({ DATABASE_URL: 'sqlite', REDIS_URL: 'cache:6379' })).toThrow(
      'REDIS_URL must be a URL such as redis://127.0.0.1:6379',
    );
  });
});

it('what stands around a value, as in a secret that was copied with its line end, is no part of it', () => {
  const config = readConfig({
    ANTHROPIC_API_KEY: 'key\n',
    ANTHROPIC_BASE_URL: ' http://127.0.0.1:4180\r\n',
    AGENT_API: 'cloud ',
    LOG_LEVEL: ' debug',
    SLACK_BOT_TOKEN: ' xoxb-1',
    SLACK_SIGNING_SECRET: 'secret \n',
    DISCORD_TOKEN: 'Bot token\n',
    DISCORD_APPLICATION_ID: '123456789012345678\n',
    HEALTH_PORT: ' ',
  });
  expect(config).toMatchObject({
    api: { type: 'remote', apiKey: 'key', baseUrl: 'http://127.0.0.1:4180' },
    logLevel: 'debug',
    slack: { transport: { type: 'http', signingSecret: 'secret' }, install: { botToken: 'xoxb-1' } },
    discord: { token: 'token', applicationId: '123456789012345678' },
    observability: { health: null },
  });
});
