import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createSlackAdapter } from '../../../src/adapters/slack/adapter.ts';
import { createOAuthInstallations } from '../../../src/adapters/slack/connection/installations.ts';
import type { User } from '../../fakes/slack/drivers/user.ts';
import type { Workspace } from '../../fakes/slack/drivers/workspace.ts';
import type { FakeSlackOptions } from '../../fakes/slack/fake-slack.ts';
import { done, keeper, reply } from '../scripted-bot.ts';
import {
  createWorld,
  freePort,
  oauthInstall,
  recordingLog,
  TRANSPORTS,
  type TransportName,
  transportOf,
  type World,
} from './harness.ts';

let world: World;
afterEach(() => world.stop());

const KEY = randomBytes(32);

/** The app with its installation pages, and nothing installed yet. */
async function setUp(
  options: { transport?: TransportName; app?: FakeSlackOptions['app']; started?: boolean } = {},
) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  world = await createWorld({
    ...(options.transport === undefined ? {} : { transport: options.transport }),
    fake: { app: { redirectUrls: [`${url}/slack/oauth_redirect`], ...options.app } },
    install: slack => ({ ...oauthInstall(slack), encryptionKey: KEY }),
    port,
    started: options.started ?? true,
  });
  world.workspace.uninstall();
  return world;
}

/** Clicks through the installation as an administrator with a browser does. */
async function installFor(
  workspace: Workspace,
  user: User,
  { orgWide = false, at = world.url } = {},
): Promise<string> {
  world.slack.approve({ workspace, user, orgWide });
  const start = await fetch(`${at}/slack/install`);
  const cookie = (start.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const consent = /href="([^"]*oauth\/v2\/authorize[^"]*)"/.exec(await start.text())?.[1] ?? '';
  const allowed = await fetch(consent.replaceAll('&amp;', '&'), { redirect: 'manual' });
  const back = allowed.headers.get('location') ?? '';
  const finished = await fetch(back.replace(world.url, at), { headers: { cookie } });
  expect(finished.status).toBe(200);
  return start.url;
}

/** The same through another process on the same state. */
async function installElsewhere(workspace: Workspace, user: User): Promise<void> {
  const { slack, state } = world;
  const port = await freePort();
  const other = createSlackAdapter({
    transport: transportOf('http', slack, port),
    install: { ...oauthInstall(slack), encryptionKey: KEY },
    apiUrl: slack.apiUrl,
    linkHosts: [],
    state,
    suggestedPrompts: [],
    log: recordingLog([]),
  });
  await other.start(world.bot);
  await installFor(workspace, user, { at: `http://127.0.0.1:${port}` });
  await other.stop();
}

/** Someone writes, and is answered. */
async function converse(user: User, text: string): Promise<void> {
  const before = world.bot.received.length;
  await user.dm('Hello').settled;
  const message = await world.received(before + 1);
  const sink = world.open(message, keeper());
  await sink.finish(done(text));
  sink.close();
  expect(user.sees(user.dmChannel).some(({ fromApp, text: said }) => fromApp && said.startsWith(text))).toBe(
    true,
  );
}

async function rows(): Promise<string[]> {
  const found: string[] = [];
  for (const name of ['slack-installation', 'slack-heard', 'slack-edit', 'slack-latest', 'slack-rotation']) {
    for await (const [key, value] of world.state.table(name).entries())
      found.push(`${name} ${key} ${JSON.stringify(value)}`);
  }
  return found;
}

/** The workspaces whose token each call carried, by the person it was for. */
const teamsOf = (method: string) => new Set(world.slack.calls(method).map(({ team }) => team));

describe.each(TRANSPORTS)('installing through OAuth, over %s', transport => {
  it('serves two workspaces, each with its own token, and removes every row of one that leaves', async () => {
    const { slack } = await setUp({ transport });
    const red = slack.addWorkspace('Red');
    const blue = slack.addWorkspace('Blue');
    const ann = red.addUser('ann');
    const bob = blue.addUser('bob');
    await installFor(red, ann);
    await installFor(blue, bob);
    slack.clearJournal();

    await converse(ann, 'Hello Red');
    expect(teamsOf('chat.postMessage')).toEqual(new Set([red.id]));
    slack.clearJournal();
    await converse(bob, 'Hello Blue');
    expect(teamsOf('chat.postMessage')).toEqual(new Set([blue.id]));
    expect([...teamsOf('assistant.threads.setStatus'), ...teamsOf('users.info')]).toEqual([blue.id, blue.id]);

    const channel = red.addChannel('general', { members: [ann] });
    await ann.mention(channel.id, 'Hello').settled;
    world.bot.withdrawAnswer = 'running';
    const again = ann.dm('one');
    await again.settled;
    await ann.edit(again, 'two').settled;
    const before = await rows();
    expect(before.filter(row => row.includes(red.id)).length).toBeGreaterThan(2);
    expect(before.join('\n')).not.toMatch(/xox[bep]/);

    await Promise.all(red.uninstall().map(({ settled }) => settled));
    await slack.until(() => world.logs.some(({ event }) => event === 'slack.uninstalled'), 'the removal');
    const after = await rows();
    expect(after.filter(row => row.includes(red.id))).toEqual([]);
    const ofBlue = (row: string) => row.includes(blue.id);
    expect(after.filter(ofBlue)).toEqual(before.filter(ofBlue));
    await converse(bob, 'Still here');
  });
});

it.each(TRANSPORTS)('says that its port is taken, and can be stopped then (%s)', async transport => {
  await setUp({ transport, started: false });
  const other = createServer();
  await once(other.listen(Number(new URL(world.url).port)), 'listening');
  await expect(world.adapter.start(world.bot)).rejects.toThrow(
    `Port ${new URL(world.url).port} is in use. Set PORT to another one.`,
  );
  expect(world.slack.calls('apps.connections.open')).toEqual([]);
  await world.adapter.stop();
  other.close();
});

describe('an installation', () => {
  it('is refused without the cookie of the browser that began it', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    slack.approve({ workspace: red, user: red.addUser('ann') });
    const start = await fetch(`${world.url}/slack/install`);
    const consent = /href="([^"]*oauth\/v2\/authorize[^"]*)"/.exec(await start.text())?.[1] ?? '';
    const allowed = await fetch(consent.replaceAll('&amp;', '&'), { redirect: 'manual' });
    const finished = await fetch(allowed.headers.get('location') ?? '');
    expect(finished.status).not.toBe(200);
    expect((await rows()).filter(row => row.includes(red.id))).toEqual([]);
  });

  it('asks for the scopes of the manifest and no more', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    await installFor(red, red.addUser('ann'));
    const start = await (await fetch(`${world.url}/slack/install`)).text();
    expect(decodeURIComponent(/scope=([^&"]*)/.exec(start)?.[1] ?? '').split(',')).toEqual([
      'app_mentions:read',
      'assistant:write',
      'channels:history',
      'chat:write',
      'commands',
      'files:read',
      'files:write',
      'groups:history',
      'im:history',
      'mpim:history',
      'users:read',
    ]);
  });

  it('is kept over a restart', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    await world.restart();
    await converse(ann, 'Hello again');
  });

  it('of a whole organisation serves all of its workspaces, in each of which a person is the same', async () => {
    const { slack } = await setUp();
    const acme = slack.addEnterprise('Acme Group');
    const red = slack.addWorkspace('Red', { enterprise: acme });
    const blue = slack.addWorkspace('Blue', { enterprise: acme });
    const ann = red.addUser('ann');
    const bob = blue.addUser('bob');
    await installFor(red, ann, { orgWide: true });
    await converse(ann, 'Hello Red');
    await converse(bob, 'Hello Blue');
    expect(world.bot.received.map(({ conversation }) => conversation.person.workspace)).toEqual([
      acme.id,
      acme.id,
    ]);
    await ann.command('/preferences').outcome;
    await slack.until(() => world.bot.commands[0], 'the command');
    expect(world.bot.commands[0]?.person).toEqual(world.bot.received[0]?.conversation.person);
  });

  it('of one workspace of an organisation knows its own people, also in channels that are shared with others', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red', { enterprise: slack.addEnterprise('Acme Group') });
    const ann = red.addUser('ann');
    await installFor(red, ann);
    const sharedWith = [slack.addWorkspace('Partner')];
    const channel = red.addChannel('shared', { members: [ann], sharedWith });
    await ann.mention(channel.id, 'Hello').settled;
    await ann.dm('Hello').settled;
    await world.received(2);
    expect(world.bot.received.map(({ conversation }) => conversation.person.workspace)).toEqual([
      red.id,
      red.id,
    ]);
  });

  it('that was removed and made again is not removed by the late news of the first removal', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    const held = slack.deliveries.hold();
    red.uninstall();
    await installFor(red, ann);
    held.release();
    await slack.until(() => world.logs.some(({ event }) => event === 'slack.removed'), 'the late news');
    await converse(ann, 'Still here');
  });

  it('that was removed and made again through another process serves with its new token', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    await ann.dm('Hello').settled;
    const sink = world.open(await world.received());
    slack.deliveries.hold();
    red.uninstall();
    await installElsewhere(red, ann);
    await sink.finish(done('Still here'));
    sink.close();
    expect(ann.sees(ann.dmChannel).filter(({ fromApp }) => fromApp)).toMatchObject([
      { text: expect.stringMatching(/^Still here/) },
    ]);
    expect(world.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('that was made again through another process is not removed by the late news', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    const held = slack.deliveries.hold();
    const news = red.uninstall();
    await installElsewhere(red, ann);
    held.release();
    await Promise.all(news.map(({ settled }) => settled));
    expect(await rows()).toContainEqual(expect.stringContaining(`slack-installation ${red.id}`));
    await converse(ann, 'Still here');
  });

  it('that is removed while an answer is written ends the answer, and says that it could not be delivered', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    await ann.dm('Hello').settled;
    const sink = world.open(await world.received());
    await Promise.all(red.uninstall().map(({ settled }) => settled));
    await slack.until(() => world.logs.some(({ event }) => event === 'slack.uninstalled'), 'the removal');
    await sink.finish(done('Nobody will read this'));
    sink.close();
    expect(world.logs.map(({ event }) => event)).toContain('slack.reply_undeliverable');
  });

  it('that another process removed ends the answer here too', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    await ann.dm('Hello').settled;
    const message = await world.received();
    slack.deliveries.hold();
    red.uninstall();
    await world.state.table('slack-installation').delete(red.id);
    // Whichever call comes first is refused and forgets the token; the next has none.
    const sink = world.open(message);
    sink.show(reply('Nobody '));
    await sink.finish(done('Nobody will read this'));
    sink.close();
    const again = world.open(message);
    await again.finish(done('Nobody will read this'));
    again.close();
    expect(world.logs.filter(({ event }) => event === 'slack.reply_undeliverable')).toHaveLength(2);
  });

  it('cannot be read with another key, and says so at the start', async () => {
    const { slack } = await setUp();
    const red = slack.addWorkspace('Red');
    await installFor(red, red.addUser('ann'));
    KEY.set(randomBytes(32));
    await expect(world.restart()).rejects.toThrow('SLACK_ENCRYPTION_KEY is not the key');
  });
});

describe('token rotation', () => {
  const rotating = { app: { tokenRotation: true } };

  it('renews a token in time, once, however many calls want it', async () => {
    const { slack } = await setUp(rotating);
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    const people = [ann, ...Array.from({ length: 10 }, (_, n) => red.addUser(`user${n}`))];
    await installFor(red, ann);
    await converse(ann, 'Hello');
    slack.clock.advance(10.5 * 3600_000);
    slack.clearJournal();
    for (const person of people) person.dm('Hello');
    await world.received(1 + people.length);
    expect(slack.calls('oauth.v2.access')).toHaveLength(1);
    slack.clock.advance(8 * 3600_000);
    await converse(ann, 'Good evening');
    expect(world.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('goes on with the token it has while Slack does not renew it', async () => {
    const { slack } = await setUp(rotating);
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    slack.clock.advance(10.5 * 3600_000);
    slack.fail('oauth.v2.access', { type: 'http', status: 503 }, { times: 99 });
    slack.clearJournal();
    await converse(ann, 'Hello');
    await converse(ann, 'Hello');
    expect(slack.calls('oauth.v2.access')).toHaveLength(1);
    expect(world.logs.some(({ event }) => event === 'slack.renewal_failed')).toBe(true);
    slack.clearFaults();
    slack.clock.advance(6 * 60_000);
    await converse(ann, 'Hello');
    expect(slack.calls('oauth.v2.access')).toHaveLength(2);
  });

  it('renews when Slack says that the token has expired already', async () => {
    const { slack } = await setUp(rotating);
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    slack.fail('chat.postMessage', { type: 'error', error: 'token_expired' });
    await converse(ann, 'Hello');
    expect(slack.calls('chat.postMessage')).toHaveLength(2);
  });
});

describe('several processes that renew a token', () => {
  const OTHER = 'another process';

  it('leave a claim alone that is another one’s by now', async () => {
    const { slack, state } = await setUp({ app: { tokenRotation: true } });
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    slack.clock.advance(10.5 * 3600_000);
    slack.clearJournal();
    slack.fail('oauth.v2.access', { type: 'delay', ms: 60_000 });
    const answered = converse(ann, 'Hello');
    await slack.until(() => slack.calls('oauth.v2.access')[0], 'the renewal');
    const claims = state.table<string>('slack-rotation');
    await claims.set(red.id, OTHER, 60_000);
    slack.clock.advance(60_000);
    await answered;
    expect(await claims.get(red.id)).toBe(OTHER);
  });

  it('wait for one another, but not for ever', async () => {
    const { slack, state } = await setUp();
    // Ten seconds pass between any two looks at the clock.
    let time = 0;
    const now = () => {
      time += 10_000;
      return time;
    };
    const install = { ...oauthInstall(slack), encryptionKey: KEY };
    const deps = { apiUrl: slack.apiUrl, log: recordingLog([]), now, state };
    const installations = createOAuthInstallations(install, deps);
    const granted = { tenant: 'T1', orgWide: false, botUser: 'U1', token: 'old', refreshToken: 'once' };
    await installations.add?.({ ...granted, expiresAt: 1 });
    const claims = state.table<string>('slack-rotation');
    await claims.set('T1', OTHER, 60_000);
    await expect(installations.renew('T1', 'old')).rejects.toThrow('for too long');
    expect(slack.calls('oauth.v2.access')).toEqual([]);
    expect(await claims.get('T1')).toBe(OTHER);
  });
});

describe('a token that Slack does not renew any more', () => {
  it.each(['in time', 'when Slack refuses it'])('ends the answer, whether that is known %s', async when => {
    const { slack } = await setUp({ app: { tokenRotation: true } });
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await installFor(red, ann);
    await ann.dm('Hello').settled;
    const message = await world.received();
    slack.fail('oauth.v2.access', { type: 'error', error: 'invalid_refresh_token' }, { times: 99 });
    if (when === 'in time') slack.clock.advance(13 * 3600_000);
    else slack.fail('chat.postMessage', { type: 'error', error: 'token_expired' }, { times: 99 });
    const sink = world.open(message);
    await sink.finish(done('Nobody will read this'));
    sink.close();
    expect(world.logs.map(({ event }) => event)).toContain('slack.reply_undeliverable');
  });
});

describe('one workspace by its token', () => {
  it('says at the start when the token is of no use', async () => {
    world = await createWorld({ started: false });
    world.workspace.revokeTokens();
    await expect(world.adapter.start(world.bot)).rejects.toThrow(
      'Slack rejected SLACK_BOT_TOKEN (token_revoked)',
    );
  });

  it('says at the start when the app token is of no use', async () => {
    world = await createWorld({
      started: false,
      adapter: { transport: { type: 'socket', appToken: 'xapp-1-wrong', port: 0 } },
    });
    await expect(world.adapter.start(world.bot)).rejects.toThrow('Check SLACK_APP_TOKEN');
  });
});
