import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { REST, Routes } from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchRest } from '../../src/adapters/discord/connection/rest-watch.ts';
import { createSlackClients } from '../../src/adapters/slack/connection/web-client.ts';
import { createRateBudget } from '../../src/core/reply/rate-budget.ts';
import { createLog } from '../../src/log.ts';
import { openWatched } from './harness.ts';

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
interface LoggedError {
  name?: string;
  requestID?: string;
  message?: string;
  cause?: LoggedError;
}

let lines: { event: string; err: LoggedError }[];
const log = createLog('info', {
  write(line: string) {
    lines.push(JSON.parse(line));
  },
});

beforeEach(async () => {
  lines = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    answer(request, response, body);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => new Promise(resolve => server.close(resolve)));

/** What the log says about an error. */
async function logged(failing: Promise<unknown>): Promise<LoggedError> {
  await failing.catch((err: unknown) => log.error({ event: 'test.failed', err }, 'failed'));
  return lines.at(-1)?.err ?? {};
}

describe('an error of Slack', () => {
  const clients = () =>
    createSlackClients({
      apiUrl: `${url}/api/`,
      credentials: {
        token: async () => 'xoxb-1',
        current: async () => 'xoxb-1',
        renew: async () => 'xoxb-2',
      },
      budget: createRateBudget(),
      log,
      rateLimited: (by, ms) => waits.push([by, ms]),
    });
  let waits: [string, number][];
  const reply = (response: ServerResponse, id: string, body: object, status = 200) =>
    response
      .writeHead(status, { 'content-type': 'application/json', 'x-slack-req-id': id, 'retry-after': '0' })
      .end(JSON.stringify(body));

  beforeEach(() => {
    waits = [];
  });

  it('is logged with the id of its own request, also when several are under way', async () => {
    const held: (() => void)[] = [];
    answer = (_request, response, body) => {
      const { channel } = Object.fromEntries(new URLSearchParams(body));
      held.push(() => reply(response, `req-${channel}`, { ok: false, error: 'channel_not_found' }));
      // Answered in the opposite order of asking.
      if (held.length === 2) for (const release of held.reverse()) release();
    };
    const api = clients().of('T1');
    const calls = ['C1', 'C2'].map(channel => api.call('chat.update', { channel }));
    const [first, second] = await Promise.all(calls.map(logged));
    expect([first?.requestID, second?.requestID].sort()).toEqual(['req-C1', 'req-C2']);
    for (const line of lines)
      expect(line.err).toMatchObject({ name: 'SlackRefusal', code: 'channel_not_found' });
  });

  it('is counted as a wait when Slack asks to slow down', async () => {
    let asked = 0;
    answer = (_request, response) => {
      asked += 1;
      if (asked === 1) reply(response, 'req-slow', { ok: false, error: 'ratelimited' }, 429);
      else reply(response, 'req-2', { ok: true });
    };
    await clients().of('T1').call('users.info', { user: 'U1' });
    expect(waits).toEqual([['platform', 0]]);
    expect(lines.find(({ event }) => event === 'slack.rate_limited')?.err.requestID).toBe('req-slow');
  });
});

describe('an error of Discord', () => {
  it('is logged with the ray of its request; waits are counted once', async () => {
    const waits: [string, number][] = [];
    const rest = new REST({ api: url }).setToken('token');
    watchRest(rest, (by, ms) => waits.push([by, ms]));
    let asked = 0;
    answer = (_request, response) => {
      asked += 1;
      // The bucket is empty after each, for a moment.
      response.writeHead(asked === 1 ? 429 : 404, {
        'content-type': 'application/json',
        'cf-ray': `ray-${asked}`,
        'x-ratelimit-limit': '1',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset-after': '0.05',
        ...(asked === 1 ? { 'retry-after': '0.05', 'x-ratelimit-scope': 'user' } : {}),
      });
      response.end(JSON.stringify(asked === 1 ? { retry_after: 0.05 } : { code: 10008, message: 'Unknown' }));
    };
    const patch = () => rest.patch(Routes.channelMessage('1', '2'), { body: { content: 'I hate wool' } });
    expect(await logged(patch())).toMatchObject({ requestID: 'ray-2', status: 404, code: 10008 });
    expect(JSON.stringify(lines)).not.toContain('wool');
    expect(waits).toEqual([['platform', 50]]);
    await logged(patch());
    expect(waits).toEqual([
      ['platform', 50],
      ['budget', expect.any(Number)],
    ]);
  });
});

it('of the agent service: a failed turn is logged with the id that its support asks for', async () => {
  const watched = await openWatched();
  watched.proxy.plan(({ path }) =>
    path === '/v1/sessions'
      ? { type: 'status', status: 402, headers: { 'request-id': 'req_from_above' } }
      : undefined,
  );
  await watched.adapter.say('Hello');
  const failed = watched.lines.find(({ event }) => event === 'turn.failed');
  expect(failed).toMatchObject({ err: { status: 402, requestID: 'req_from_above' } });
  await watched.stop();
});

describe('what an error quotes', () => {
  it('is not in the log when it could not be read as JSON, nor in the stack', async () => {
    const parsing = Promise.resolve().then(() => JSON.parse('I hate wool'));
    const wrapped = parsing.catch((cause: unknown) => {
      throw new Error('an event could not be read', { cause });
    });
    const err = await logged(wrapped);
    expect(err.cause).toMatchObject({ name: 'SyntaxError', message: 'invalid JSON' });
    expect(JSON.stringify(lines)).not.toContain('hate');
  });

  it.each([
    'xoxb-123-abcdef',
    'xapp-1-A1-abcdef',
    'sk-ant-api03-abcdef',
    'MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWsabcdefghi',
    'https://discord.com/api/webhooks/198622483471925248/aW50ZXJhY3Rpb24abcdef',
    'postgres://shopper:abcdef@db/shopper',
  ])('is not in the log when it is a secret: %s', async secret => {
    await logged(Promise.reject(new Error(`refused: ${secret}`)));
    expect(lines[0]?.err.message).toContain('[redacted]');
    expect(JSON.stringify(lines)).not.toContain('abcdef');
  });
});
