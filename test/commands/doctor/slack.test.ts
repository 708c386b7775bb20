import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Granted } from '../../../src/adapters/slack/connection/installations.ts';
import { EVENTS, SCOPES } from '../../../src/adapters/slack/connection/scopes.ts';
import { seal } from '../../../src/adapters/slack/connection/sealed.ts';
import { lossOf } from '../../../src/commands/doctor/slack-manifest.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import { asInManifest, createWorld as createSlackBot, freePort } from '../../adapters/slack/harness.ts';
import type { AppSettings } from '../../fakes/slack/core.ts';
import type { Installed, Workspace } from '../../fakes/slack/drivers/workspace.ts';
import { createFakeSlack, type FakeSlack } from '../../fakes/slack/fake-slack.ts';
import { temporaryFolder } from '../../helpers/cli.ts';
import { diagnose } from './running.ts';

const SIGNING_SECRET = randomBytes(16).toString('hex');

let folder: { path: string; remove(): Promise<void> };
let slack: FakeSlack;
let workspace: Workspace;
let installed: Installed;

beforeEach(async () => {
  folder = await temporaryFolder();
  await setUp();
});
afterEach(async () => {
  await slack.stop();
  await folder.remove();
});

/** An app as the manifest makes it, but for `app`. */
async function setUp(app: Partial<AppSettings> = {}): Promise<void> {
  await slack?.stop();
  slack = await createFakeSlack({ app: { ...asInManifest(), signingSecret: SIGNING_SECRET, ...app } });
  workspace = slack.addWorkspace('Acme');
  installed = workspace.install();
}

const base = () => ({ SHOPPER_DATA_DIR: folder.path, SLACK_API_URL: slack.apiUrl });
const socket = (more: Record<string, string> = {}) => ({
  ...base(),
  SLACK_BOT_TOKEN: installed.token,
  SLACK_APP_TOKEN: slack.appToken,
  ...more,
});
const http = (port: number, more: Record<string, string> = {}) => ({
  ...base(),
  SLACK_BOT_TOKEN: installed.token,
  SLACK_SIGNING_SECRET: SIGNING_SECRET,
  PORT: String(port),
  ...more,
});

describe('an app set up as the manifest has it', () => {
  it('is fine, with its events read through the configuration token', async () => {
    const it = await diagnose(socket({ SLACK_CONFIG_TOKEN: slack.configToken }));
    expect(it).toMatchObject({ code: 0, ok: true, found: [] });
    const said = it.checks.filter(({ group }) => group === 'slack').map(({ text }) => text);
    expect(said).toEqual([
      `Slack accepts SLACK_BOT_TOKEN: shopper in Acme (${workspace.id})`,
      `It has the ${SCOPES.length} scopes it needs`,
      'Slack accepts SLACK_APP_TOKEN for Socket Mode',
      "The app's events, commands, tabs and transport are set up as in the manifest",
    ]);
  });

  it('without that token, says that events were not checked and how they can be; that alone is no problem', async () => {
    const it = await diagnose(socket());
    expect(it).toMatchObject({ code: 0, found: ['slack.events_unchecked'] });
    const { mend } = it.of('slack.events_unchecked');
    expect(mend).toMatch(/--listen 60/);
    expect(mend).toMatch(/SLACK_CONFIG_TOKEN/);
    for (const event of EVENTS) expect(mend).toContain(event);
  });

  it('everything the bot asks for has a sentence on what is lost without it', () => {
    for (const name of [...SCOPES, ...EVENTS]) expect(lossOf(name), name).toMatch(/^: ./);
  });

  it('is left as it was: nothing but questions', async () => {
    await diagnose(socket({ SLACK_CONFIG_TOKEN: slack.configToken }));
    const asked = slack.calls().map(({ method }) => method);
    expect(asked).toEqual(['auth.test', 'bots.info', 'apps.connections.open', 'apps.manifest.export']);
    expect(slack.socket.connections).toBe(0);
  });
});

describe('a missing scope', () => {
  it('is named with what people lose and where to add it', async () => {
    const { token } = slack
      .addWorkspace('Other')
      .install({ scopes: SCOPES.filter(it => it !== 'files:read') });
    const it = await diagnose(socket({ SLACK_BOT_TOKEN: token }));
    expect(it).toMatchObject({ code: 1, ok: false });
    expect(it.found).toContain('slack.scope_missing');
    expect(it.of('slack.scope_missing').text).toMatch(/files:read is missing: .*pictures/);
    expect(it.of('slack.scope_missing').mend).toMatch(/OAuth & Permissions.*reinstall/);
  });

  it('that the operator left out of their own manifest is none', async () => {
    const own = join(folder.path, 'manifest.yml');
    const ours = await readFile(new URL('../../../manifest.yml', import.meta.url), 'utf8');
    await writeFile(own, ours.replace(/ *- files:read\n/, ''));
    const { token } = slack
      .addWorkspace('Other')
      .install({ scopes: SCOPES.filter(it => it !== 'files:read') });
    const it = await diagnose(socket({ SLACK_BOT_TOKEN: token }), { args: ['--manifest', own] });
    expect(it.found).toEqual(['slack.events_unchecked']);
  });
});

describe('tokens', () => {
  it('that were revoked, or whose app was removed, are named with where to copy them again', async () => {
    workspace.uninstall();
    const it = await diagnose(socket());
    expect(it.code).toBe(1);
    expect(it.of('slack.token_refused').text).toMatch(/SLACK_BOT_TOKEN \(account_inactive\)/);
    expect(it.of('slack.token_refused').mend).toMatch(/Install App/);
    // The other token is looked at all the same.
    expect(it.checks.map(({ text }) => text)).toContain('Slack accepts SLACK_APP_TOKEN for Socket Mode');
  });

  it('in each other’s place are told apart, and nothing is asked with them', async () => {
    const it = await diagnose(socket({ SLACK_BOT_TOKEN: slack.appToken, SLACK_APP_TOKEN: installed.token }));
    expect(it.found).toEqual(['settings.token_misplaced', 'settings.token_misplaced']);
    expect(
      it.checks.filter(({ code }) => code !== undefined).map(({ text, mend }) => `${text} ${mend}`),
    ).toEqual([
      expect.stringMatching(/SLACK_BOT_TOKEN holds a Slack app-level token.*belongs in SLACK_APP_TOKEN/),
      expect.stringMatching(/SLACK_APP_TOKEN holds a Slack bot token.*belongs in SLACK_BOT_TOKEN/),
    ]);
    expect(slack.calls()).toEqual([]);
  });

  it('of two apps do not belong together', async () => {
    const other = await createFakeSlack({ app: { id: 'A0OTHER' } });
    const both = await sendByMethod(method => (method === 'apps.connections.open' ? other : slack).apiUrl);
    const it = await diagnose(socket({ SLACK_API_URL: both.url, SLACK_APP_TOKEN: other.appToken }));
    expect(it.of('slack.apps_differ').text).toMatch(/belongs to app A0OTHER, SLACK_BOT_TOKEN to A0FAKEAPP/);
    expect(it.of('slack.apps_differ').mend).toMatch(/apps\/A0FAKEAPP/);
    await both.stop();
    await other.stop();
  });

  it('without connections:write cannot open Socket Mode', async () => {
    await setUp({ appScopes: ['authorizations:read'] });
    const it = await diagnose(socket());
    expect(it.code).toBe(1);
    expect(it.of('slack.app_token_refused').text).toMatch(/connections:write/);
    expect(it.of('slack.app_token_refused').mend).toMatch(/App-Level Tokens/);
  });

  it('that rotate run out, because one token is not renewed', async () => {
    await setUp({ tokenRotation: true });
    const it = await diagnose(socket());
    expect(it.of('slack.token_expires').text).toMatch(/in 12 h/);
  });

  it('are never printed', async () => {
    workspace.revokeTokens();
    const secrets = [installed.token, slack.appToken, slack.configToken];
    const it = await diagnose(socket({ SLACK_CONFIG_TOKEN: slack.configToken }));
    for (const secret of secrets) expect(it.printed).not.toContain(secret);
  });

  it('are not printed even where a server says them', async () => {
    const { token } = slack.addWorkspace('The sk-ant-my-own-key shop').install();
    const it = await diagnose(
      socket({
        SLACK_BOT_TOKEN: token,
        ANTHROPIC_API_KEY: 'sk-ant-my-own-key',
        ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
      }),
    );
    expect(it.printed).toMatch(/shopper in The \[secret\] shop/);
    expect(it.printed).not.toContain('sk-ant-my-own-key');
  });
});

describe('the app’s own settings, read with the configuration token', () => {
  const look = (more: Record<string, string> = {}) =>
    diagnose(socket({ SLACK_CONFIG_TOKEN: slack.configToken, ...more }));

  it('name a missing event with what people lose and where to add it', async () => {
    await setUp({ events: EVENTS.filter(event => event !== 'message.im') });
    const it = await look();
    expect(it).toMatchObject({ code: 1, found: ['slack.event_missing'] });
    expect(it.of('slack.event_missing').text).toMatch(/message\.im: direct messages go unheard/);
    expect(it.of('slack.event_missing').mend).toMatch(/A0FAKEAPP → Event Subscriptions.*add it/);
  });

  it.each([
    [{ commands: [] }, 'slack.command_missing', /\/preferences/],
    [{ shortcuts: [] }, 'slack.shortcut_missing', /why_this_answer/],
    [{ interactivity: false }, 'slack.interactivity_off', /Interactivity & Shortcuts/],
    [{ homeTab: false }, 'slack.home_tab_off', /App Home/],
    [{ messagesTab: false }, 'slack.messages_tab_off', /Messages Tab/],
    [{ agentView: false }, 'slack.agent_view_off', /agent_view/],
  ] as const)('with %j say %s', async (app, code, mend) => {
    await setUp(app);
    const it = await look();
    expect(it).toMatchObject({ code: 1, found: [code] });
    expect(it.of(code).mend).toMatch(mend);
  });

  it('say when Socket Mode is off although there is an app token', async () => {
    const bot = await createSlackBot({ transport: 'http', fake: { app: { signingSecret: SIGNING_SECRET } } });
    const it = await diagnose({
      ...base(),
      SLACK_API_URL: bot.slack.apiUrl,
      SLACK_BOT_TOKEN: bot.installed.token,
      SLACK_APP_TOKEN: bot.slack.appToken,
      SLACK_CONFIG_TOKEN: bot.slack.configToken,
    });
    expect(it.found).toEqual(['slack.socket_mode_off']);
    await bot.stop();
  });

  it('say when Socket Mode is on although requests are awaited over HTTP', async () => {
    const it = await diagnose(http(await freePort(), { SLACK_CONFIG_TOKEN: slack.configToken }));
    expect(it.found).toEqual(['slack.socket_mode_on']);
  });

  it('that cannot be read, because the token has run out, are a warning', async () => {
    slack.clock.advance(13 * 3600_000);
    const it = await look();
    expect(it).toMatchObject({ code: 0, found: ['slack.config_token_refused'] });
    expect(it.of('slack.config_token_refused').text).toMatch(/token_expired/);
    expect(it.of('slack.config_token_refused').mend).toMatch(/twelve hours/);
  });
});

describe('listening', () => {
  it('says what arrived and what did not, and leaves it for the bot', async () => {
    await setUp({ events: ['message.im', 'app_home_opened'] });
    const ann = workspace.addUser('ann');
    const enough = new AbortController();
    const heard: string[] = [];
    const it = await diagnose(socket(), {
      args: ['--listen', '60'],
      signal: enough.signal,
      heard(text) {
        heard.push(text);
        if (text.includes('Listening')) ann.dm('I wear size 9');
        if (text.includes('message.im arrived')) ann.openApp('home');
        if (text.includes('app_home_opened arrived')) enough.abort();
      },
    });
    expect(it).toMatchObject({ code: 0, found: ['slack.event_not_seen'] });
    expect(it.checks.map(({ text }) => text)).toContain('Events arrive: app_home_opened and message.im');
    expect(it.of('slack.event_not_seen').text).toMatch(/app_mention/);
    expect(it.printed).not.toContain('size 9');
    expect(slack.deliveries.all.every(({ state }) => state !== 'acked')).toBe(true);
    await slack.until(() => slack.socket.connections === 0, 'the doctor to be gone');
  });

  it('without a single event says that there are no subscriptions', async () => {
    const enough = new AbortController();
    const it = await diagnose(socket(), {
      args: ['--listen', '60'],
      signal: enough.signal,
      heard: () => enough.abort(),
    });
    expect(it).toMatchObject({ code: 1, found: ['slack.nothing_arrived'] });
    expect(it.of('slack.nothing_arrived').mend).toMatch(/Event Subscriptions/);
  });

  it('says when Socket Mode is off in the app', async () => {
    slack.socket.disable();
    const it = await diagnose(socket(), { args: ['--listen', '60'] });
    expect(it.found).toEqual(['slack.socket_mode_off']);
  });

  it('is not done beside a bot that is connected: it would take its messages', async () => {
    const bot = await createSlackBot();
    const env = {
      ...base(),
      SLACK_API_URL: bot.slack.apiUrl,
      SLACK_BOT_TOKEN: bot.installed.token,
      SLACK_APP_TOKEN: bot.slack.appToken,
    };
    const it = await diagnose(env, { args: ['--listen', '60'] });
    expect(it).toMatchObject({ code: 0, found: ['slack.listening_refused'] });
    await bot.slack.until(() => bot.slack.socket.connections === 1, 'the doctor to be gone');
    bot.ann.dm('hello');
    await bot.received();
    await bot.stop();
  });

  it('is for Socket Mode', async () => {
    const it = await diagnose(http(await freePort()), { args: ['--listen', '60'] });
    expect(it.found).toEqual(['slack.listening_refused']);
  });
});

describe('over HTTP', () => {
  it('a free port is fine', async () => {
    const port = await freePort();
    const it = await diagnose(http(port));
    expect(it.found).toEqual(['slack.events_unchecked']);
    expect(it.checks.map(({ text }) => text)).toContain(`Port ${port} is free to listen on`);
  });

  it('a running bot on that port is known by its signing secret', async () => {
    const port = await freePort();
    const bot = await createSlackBot({
      transport: 'http',
      port,
      fake: { app: { signingSecret: SIGNING_SECRET } },
    });
    const fine = await diagnose(http(port));
    expect(fine.found).toEqual(['slack.events_unchecked']);
    expect(fine.checks.map(({ text }) => text)).toContain(
      `A bot with this signing secret is already listening on port ${port}`,
    );
    const other = await diagnose(http(port, { SLACK_SIGNING_SECRET: randomBytes(16).toString('hex') }));
    expect(other.of('slack.port_taken').text).toMatch(/another signing secret/);
    await bot.stop();
  });

  it('any other program there is in the way', async () => {
    const program = createHttpServer((_, response) => response.end('hello'));
    const port = await listening(program);
    const it = await diagnose(http(port));
    expect(it).toMatchObject({ code: 1 });
    expect(it.of('slack.port_taken').text).toBe(`Port ${port} is taken by another program`);
    await stopped(program);
  });

  it('what is no signing secret is noticed', async () => {
    const it = await diagnose(http(await freePort(), { SLACK_SIGNING_SECRET: 'abc' }));
    expect(it.of('slack.signing_secret').mend).toMatch(/App Credentials/);
  });
});

describe('many workspaces', () => {
  const key = randomBytes(32);
  const oauth = (more: Record<string, string> = {}) => ({
    ...base(),
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_CLIENT_ID: slack.app.clientId,
    SLACK_CLIENT_SECRET: slack.app.clientSecret,
    SLACK_STATE_SECRET: 'state-secret',
    SLACK_ENCRYPTION_KEY: key.toString('hex'),
    PORT: '0',
    ...more,
  });

  async function store(...rows: { tenant: string; token: string; expiresAt?: number }[]): Promise<void> {
    const state = await openSqliteState(folder.path);
    for (const { tenant, token, expiresAt = null } of rows) {
      const granted: Granted = {
        tenant,
        orgWide: false,
        botUser: 'U1',
        token,
        refreshToken: expiresAt === null ? null : 'xoxe-1-refresh',
        expiresAt,
      };
      await state.table('slack-installation').set(tenant, seal(granted, key, tenant));
    }
    await state.close();
  }

  it('are all asked; the one that lacks a scope and the one that is gone are named', async () => {
    const [second, third] = [slack.addWorkspace('Second'), slack.addWorkspace('Third')];
    const lacking = second.install({ scopes: SCOPES.filter(scope => scope !== 'im:history') });
    const gone = third.install();
    third.uninstall();
    await store(
      { tenant: workspace.id, token: installed.token },
      { tenant: second.id, token: lacking.token },
      { tenant: third.id, token: gone.token },
    );
    const files = await readdir(folder.path);
    const it = await diagnose(oauth());
    expect(it.code).toBe(1);
    expect(await readdir(folder.path)).toEqual(files);
    expect(it.checks.map(({ text }) => text)).toContain('1 installation accepted by Slack, with all scopes');
    expect(it.of('slack.scope_missing').text).toMatch(
      new RegExp(`im:history is missing in Second \\(${second.id}\\)`),
    );
    expect(it.of('slack.token_refused').text).toMatch(new RegExp(`${third.id} \\(account_inactive\\)`));
  });

  it('are read beside a bot that holds the state', async () => {
    await store({ tenant: workspace.id, token: installed.token });
    const held = await openSqliteState(folder.path);
    const it = await diagnose(oauth());
    expect(it).toMatchObject({ code: 0, found: ['slack.events_unchecked'] });
    expect(it.checks.map(({ text }) => text)).toContain('State is in SQLite there; a bot is running on it');
    await held.close();
  });

  it('with tokens that have run out are the bot’s to renew: a refresh token works once', async () => {
    await store({ tenant: workspace.id, token: installed.token, expiresAt: Date.now() - 1 });
    const it = await diagnose(oauth());
    expect(it).toMatchObject({ code: 0, found: ['slack.events_unchecked'] });
    expect(slack.calls('oauth.v2.access')).toEqual([]);
    expect(it.checks.map(({ text }) => text)).toContain(
      '1 installation with an expired token; the bot renews it at the next use',
    );
  });

  it('that another key was used for are named as such', async () => {
    await store({ tenant: workspace.id, token: installed.token });
    const it = await diagnose(oauth({ SLACK_ENCRYPTION_KEY: randomBytes(32).toString('hex') }));
    expect(it.code).toBe(1);
    expect(it.of('slack.encryption_key').mend).toMatch(/Set the key they were stored with/);
  });

  it('none yet is a warning', async () => {
    expect((await diagnose(oauth())).found).toContain('slack.not_installed');
  });
});

it('a Slack that is not there is said once, with what to check', async () => {
  const port = await freePort();
  const it = await diagnose(socket({ SLACK_API_URL: `http://127.0.0.1:${port}/api/` }));
  expect(it).toMatchObject({ code: 1, found: ['slack.unreachable'] });
  expect(it.of('slack.unreachable').text).toBe(
    `Slack at 127.0.0.1:${port} refuses the connection: nothing listens there`,
  );
  expect(it.of('slack.unreachable').mend).toMatch(/SLACK_API_URL/);
});

it('a Slack in trouble, or something else in its place, is told apart from a wrong token', async () => {
  slack.fail('auth.test', { type: 'http', status: 503 });
  expect((await diagnose(socket())).of('slack.unreachable').text).toMatch(/answers with HTTP status 503/);
  slack.fail('auth.test', { type: 'rate_limited', retryAfter: 30 });
  expect((await diagnose(socket())).of('slack.unreachable').text).toMatch(/limiting requests for 30 s/);
});

/** A Web API whose methods are answered by different Slacks. */
async function sendByMethod(apiUrlOf: (method: string) => string) {
  const server = createHttpServer((request, response) => {
    const method = (request.url ?? '').replace('/api/', '');
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value === 'string' && !['host', 'connection', 'transfer-encoding'].includes(name)
        ? [[name, value]]
        : [],
    );
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks);
      const answer = await fetch(new URL(method, apiUrlOf(method)), {
        method: 'POST',
        headers: Object.fromEntries(headers.filter(([name]) => name !== 'content-length')),
        body,
      });
      response.setHeader('x-oauth-scopes', answer.headers.get('x-oauth-scopes') ?? '');
      response.setHeader('content-type', 'application/json');
      response.end(await answer.text());
    });
  });
  return { url: `http://127.0.0.1:${await listening(server)}/api/`, stop: () => stopped(server) };
}

function listening(server: Server): Promise<number> {
  return new Promise(resolve => {
    server.listen(0, () => resolve((server.address() as AddressInfo).port));
  });
}

function stopped(server: ReturnType<typeof createHttpServer>): Promise<void> {
  server.closeAllConnections();
  return new Promise(resolve => server.close(() => resolve()));
}
