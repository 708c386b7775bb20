import type { Server } from 'node:http';
import { App } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Delivery } from './slack/deliveries.ts';
import type { User } from './slack/drivers/user.ts';
import type { ChannelDriver, Installed, Workspace } from './slack/drivers/workspace.ts';
import { createFakeSlack, type FakeSlack, type FakeSlackOptions } from './slack/fake-slack.ts';
import type { HttpTransport } from './slack/http-transport.ts';

const quiet = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => 'error' as never,
  setName() {},
};

type TransportName = 'http' | 'socket';

const endings: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Stage {
  readonly slack: FakeSlack;
  readonly workspace: Workspace;
  readonly installed: Installed;
  readonly ada: User;
  readonly bob: User;
  readonly general: ChannelDriver;
}

async function stage(options: FakeSlackOptions = {}): Promise<Stage> {
  const slack = await createFakeSlack({ frozenClock: true, ...options });
  endings.push(() => slack.stop());
  const workspace = slack.addWorkspace('Acme');
  const installed = workspace.install();
  const ada = workspace.addUser('ada', { displayName: 'Ada' });
  const bob = workspace.addUser('bob', { displayName: 'Bob' });
  const general = workspace.addChannel('general', { members: [ada, bob] });
  return { slack, workspace, installed, ada, bob, general };
}

function portOf(server: unknown): number {
  const address = (server as Server).address();
  if (address === null || typeof address === 'string') throw new Error('Bolt is not listening');
  return address.port;
}

interface BoltOptions {
  /** Decides when an event is acknowledged: Bolt does so once this has answered. */
  readonly authorize?: () => Promise<void>;
  readonly register: (app: App) => void;
}

interface Booted {
  readonly app: App;
  readonly http: HttpTransport | undefined;
}

/** A real Bolt app on one of the two transports. */
async function boot(
  { slack, installed }: Stage,
  transport: TransportName,
  { authorize, register }: BoltOptions,
): Promise<Booted> {
  const app = new App({
    authorize: async () => {
      await authorize?.();
      return { botToken: installed.token, botId: installed.botId, botUserId: installed.botUserId };
    },
    clientOptions: { slackApiUrl: slack.apiUrl },
    logger: quiet,
    ...(transport === 'http'
      ? { signingSecret: slack.app.signingSecret }
      : { socketMode: true, appToken: slack.appToken }),
  });
  register(app);
  endings.push(async () => {
    slack.socket.cut();
    await app.stop();
  });
  const server = await app.start(0);
  if (transport === 'socket') return { app, http: undefined };
  return { app, http: await slack.useHttp(`http://127.0.0.1:${portOf(server)}/slack/events`) };
}

const only = (deliveries: readonly Delivery[]): Delivery => {
  const [delivery] = deliveries;
  if (delivery === undefined || deliveries.length > 1)
    throw new Error(`${deliveries.length} deliveries, expected one`);
  return delivery;
};

const section = (text: string) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } });
const plain = (text: string) => ({ type: 'plain_text' as const, text });

describe.each(['http', 'socket'] as const)('over %s', transport => {
  test('a DM reaches Bolt with its envelope and is acknowledged', async () => {
    const set = await stage();
    const seen: unknown[] = [];
    const bodies: unknown[] = [];
    await boot(set, transport, {
      register: app =>
        app.message(async ({ message, body }) => {
          seen.push(message);
          bodies.push(body);
        }),
    });
    const sent = set.ada.dm('1 < 2 & see https://example.com');
    const [delivery] = await sent.settled;
    expect(delivery?.state).toBe('acked');
    await set.slack.until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({
      channel: sent.channel,
      channel_type: 'im',
      user: set.ada.id,
      text: '1 &lt; 2 &amp; see <https://example.com>',
      ts: sent.ts,
    });
    expect(bodies[0]).toMatchObject({
      type: 'event_callback',
      team_id: set.workspace.id,
      context_team_id: set.workspace.id,
      api_app_id: set.slack.app.id,
      event_id: expect.stringMatching(/^Ev/),
      authorizations: [
        {
          team_id: set.workspace.id,
          user_id: set.installed.botUserId,
          is_bot: true,
          is_enterprise_install: false,
        },
      ],
      is_ext_shared_channel: false,
    });
  });

  test('a mention arrives twice: as app_mention and as message, with one ts and two event ids', async () => {
    const set = await stage();
    const events: { type: string; ts: string; id: string }[] = [];
    await boot(set, transport, {
      register(app) {
        app.event(
          'app_mention',
          async ({ event, body }) => void events.push({ type: event.type, ts: event.ts, id: body.event_id }),
        );
        app.event(
          'message',
          async ({ event, body }) => void events.push({ type: event.type, ts: event.ts, id: body.event_id }),
        );
      },
    });
    const sent = set.ada.mention(set.general, 'hello');
    await sent.settled;
    await set.slack.until(() => events.length === 2);
    expect(events.map(({ type }) => type).sort()).toEqual(['app_mention', 'message']);
    expect(new Set(events.map(({ ts }) => ts))).toEqual(new Set([sent.ts]));
    expect(new Set(events.map(({ id }) => id)).size).toBe(2);
    expect(set.ada.dm(`<@${set.installed.botUserId}> hi`).deliveries).toHaveLength(1);
  });

  test('an event nobody acknowledges comes again at once, after a minute and after five', async () => {
    const set = await stage();
    const { slack } = set;
    let asked = 0;
    const retries: unknown[] = [];
    await boot(set, transport, {
      async authorize() {
        asked += 1;
        if (asked < 4) await new Promise<void>(resolve => endings.push(async () => resolve()));
      },
      register: app =>
        app.message(async ({ context }) => void retries.push([context.retryNum, context.retryReason])),
    });
    const delivery = only(set.ada.dm('are you there?').deliveries);
    const reason = transport === 'http' ? 'http_timeout' : 'timeout';
    for (const [attempt, wait] of [
      [1, 0],
      [2, 60_000],
      [3, 300_000],
    ] as const) {
      await slack.until(() => asked === attempt);
      slack.clock.advance(3_000);
      await slack.until(() => delivery.attempts[attempt - 1]?.result !== undefined);
      if (wait > 0) {
        slack.clock.advance(wait - 1);
        expect(delivery.attempts).toHaveLength(attempt);
        slack.clock.advance(1);
      }
    }
    await delivery.settled;
    expect(delivery.state).toBe('acked');
    expect(delivery.attempts.map(({ retry }) => retry)).toEqual([
      undefined,
      ...[1, 2, 3].map(num => ({ num, reason })),
    ]);
    await slack.until(() => retries.length === 1);
    expect(retries).toEqual([[3, reason]]);
  });

  test('one event can come several times at once, and in another order', async () => {
    const set = await stage();
    const seen: { text: string | undefined; id: string }[] = [];
    await boot(set, transport, {
      register: app =>
        app.message(
          async ({ message, body }) =>
            void seen.push({ text: 'text' in message ? message.text : '', id: body.event_id }),
        ),
    });
    set.slack.deliveries.copies = 3;
    set.ada.dm('thrice');
    await set.slack.until(() => seen.length === 3);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
    set.slack.deliveries.copies = 1;
    const held = set.slack.deliveries.hold();
    const first = set.ada.dm('first');
    set.ada.dm('second');
    expect(only(first.deliveries).state).toBe('held');
    held.release('reversed');
    await first.settled;
    await set.slack.until(() => seen.length === 5);
    expect(seen.slice(3).map(({ text }) => text)).toEqual(['second', 'first']);
  });

  test('the bot’s own posts and updates come back as events', async () => {
    const set = await stage();
    const seen: Record<string, unknown>[] = [];
    await boot(set, transport, {
      register: app =>
        app.use(async ({ body, next }) => {
          if ('event' in body && typeof body.event === 'object' && body.event !== null)
            seen.push({ ...body.event });
          await next();
        }),
    });
    const client = new WebClient(set.installed.token, { slackApiUrl: set.slack.apiUrl });
    const { ts = '' } = await client.chat.postMessage({ channel: set.general.id, text: 'hello' });
    await client.chat.update({ channel: set.general.id, ts, text: 'hello again' });
    await client.chat.delete({ channel: set.general.id, ts });
    await set.slack.until(() => set.slack.deliveries.all.every(({ state }) => state === 'acked'));
    expect(set.slack.deliveries.all.map(({ envelope }) => envelope.body.event)).toMatchObject([
      { type: 'message', user: set.installed.botUserId, bot_id: set.installed.botId, text: 'hello', ts },
      {
        subtype: 'message_changed',
        hidden: true,
        message: { text: 'hello again', ts },
        previous_message: { text: 'hello' },
      },
      { subtype: 'message_deleted', deleted_ts: ts },
    ]);
    // ignoreSelf drops the plain post; the changed one has no user on top and gets through.
    await set.slack.until(() => seen.some(({ subtype }) => subtype === 'message_changed'));
  });

  test('edits, deletions, previews and joins come as Slack sends them', async () => {
    const set = await stage();
    await boot(set, transport, { register() {} });
    const { ada, general, slack, workspace } = set;
    const sent = ada.post(general, 'teh');
    expect(only(ada.edit(sent, 'the').deliveries).envelope.body.event).toMatchObject({
      subtype: 'message_changed',
      message: { text: 'the', edited: { user: ada.id } },
      previous_message: { text: 'teh' },
    });
    const preview = only(workspace.unfurl(sent).deliveries).envelope.body.event;
    expect(preview).toMatchObject({
      subtype: 'message_changed',
      message: { text: 'the' },
      previous_message: { text: 'the' },
    });
    ada.post(general, 'a reply', { threadTs: sent.ts });
    expect(only(ada.delete(sent).deliveries).envelope.body.event).toMatchObject({
      subtype: 'message_changed',
      message: { subtype: 'tombstone' },
    });
    expect(
      only(general.systemMessage('channel_join', ada, 'joined').deliveries).envelope.body.event,
    ).toMatchObject({
      subtype: 'channel_join',
    });
    await slack.until(() => slack.deliveries.all.every(({ state }) => state === 'acked'));
  });

  test('a command is answered in the acknowledgement and through its response URL, for one person', async () => {
    const set = await stage();
    await boot(set, transport, {
      register: app =>
        app.command('/preferences', async ({ ack, respond, command }) => {
          await ack(`for ${command.user_name}`);
          await respond('and more');
        }),
    });
    const { outcome } = set.ada.command('/preferences', '', set.general.id);
    expect(await outcome).toMatchObject({ type: 'done' });
    await set.slack.until(() => set.ada.sees(set.general).length === 2);
    expect(
      set.ada
        .sees(set.general)
        .map(({ text, ephemeral }) => [text, ephemeral])
        .sort(),
    ).toEqual([
      ['and more', true],
      ['for ada', true],
    ]);
    expect(set.bob.sees(set.general)).toEqual([]);
    expect(set.slack.calls('ack').map(({ args }) => args)).toEqual([{ text: 'for ada' }]);
  });

  test('a form goes from button to modal to errors to a next page and away', async () => {
    const set = await stage();
    const input = {
      type: 'input' as const,
      block_id: 'size',
      label: plain('Size'),
      element: { type: 'plain_text_input' as const, action_id: 'value' },
    };
    const form = {
      type: 'modal' as const,
      callback_id: 'size',
      title: plain('Size'),
      submit: plain('Save'),
      blocks: [input],
    };
    const thanks = {
      type: 'modal' as const,
      callback_id: 'thanks',
      title: plain('Thanks'),
      submit: plain('Ok'),
      blocks: [section('Saved')],
    };
    await boot(set, transport, {
      register(app) {
        app.message(async ({ say }) => {
          await say({
            text: 'Edit?',
            blocks: [
              { type: 'actions', elements: [{ type: 'button', action_id: 'edit', text: plain('Edit') }] },
            ],
          });
        });
        app.action('edit', async ({ ack, body, client }) => {
          await ack();
          if ('trigger_id' in body) await client.views.open({ trigger_id: body.trigger_id, view: form });
        });
        app.view('size', async ({ ack, view }) => {
          const value = view.state.values.size?.value?.value ?? '';
          if (/^\d+$/.test(value)) await ack({ response_action: 'update', view: thanks });
          else await ack({ response_action: 'errors', errors: { size: 'a number, please' } });
        });
        app.view('thanks', async ({ ack }) => ack());
      },
    });
    const { slack, ada } = set;
    const sent = ada.dm('change my size');
    const offer = await slack.until(() => ada.sees(sent.channel).find(({ text }) => text === 'Edit'));
    expect(await ada.press(offer, 'edit').outcome).toEqual({ type: 'done', body: undefined });
    await slack.until(() => ada.modal !== undefined);
    expect(() => ada.submit()).toThrow('value is empty');
    expect(await ada.submit({ value: 'large' }).outcome).toEqual({
      type: 'errors',
      errors: { size: 'a number, please' },
    });
    expect(ada.modal?.callback_id).toBe('size');
    await ada.submit({ value: '43' }).outcome;
    expect(ada.modal?.callback_id).toBe('thanks');
    await ada.submit().outcome;
    expect(ada.modal).toBeUndefined();
  });

  test('errors that name no field of the form, and views Slack would refuse, fail for the person', async () => {
    const set = await stage();
    const input = {
      type: 'input' as const,
      block_id: 'size',
      label: plain('Size'),
      element: { type: 'plain_text_input' as const, action_id: 'value' },
    };
    const form = {
      type: 'modal' as const,
      callback_id: 'size',
      title: plain('Size'),
      submit: plain('Save'),
      blocks: [input],
    };
    await boot(set, transport, {
      register(app) {
        app.command('/preferences', async ({ ack, client, command }) => {
          await ack();
          await client.views.open({ trigger_id: command.trigger_id, view: form });
        });
        app.view('size', async ({ ack, view }) => {
          if (view.state.values.size?.value?.value === 'lost')
            await ack({ response_action: 'errors', errors: { sizes: 'no' } });
          else
            await ack({
              response_action: 'update',
              view: {
                ...form,
                title: plain('far too long for a title'),
                blocks: [],
                submit: plain('x'.repeat(25)),
              },
            });
        });
      },
    });
    await set.ada.command('/preferences').outcome;
    await set.slack.until(() => set.ada.modal !== undefined);
    expect(await set.ada.submit({ value: 'lost' }).outcome).toMatchObject({
      type: 'failed',
      reason: 'errors name no input block',
    });
    expect(await set.ada.submit({ value: '43' }).outcome).toEqual({
      type: 'failed',
      reason: 'invalid_arguments',
    });
    expect(set.ada.modal?.blocks).toMatchObject([input]);
  });

  test('an interaction nobody acknowledges fails for the person and does not come again', async () => {
    const set = await stage();
    let asked = 0;
    await boot(set, transport, {
      async authorize() {
        asked += 1;
      },
      register() {},
    });
    const { delivery, outcome } = set.ada.command('/preferences');
    await set.slack.until(() => asked === 1);
    set.slack.clock.advance(3_000);
    expect(await outcome).toMatchObject({ type: 'failed' });
    expect(delivery.attempts).toHaveLength(1);
  });

  test('uninstalling tells the app, and its token is dead', async () => {
    const set = await stage();
    const told: string[] = [];
    await boot(set, transport, {
      register(app) {
        app.event('app_uninstalled', async ({ event }) => void told.push(event.type));
        app.event('tokens_revoked', async ({ event }) => void told.push(event.type));
      },
    });
    await Promise.all(set.workspace.uninstall().map(({ settled }) => settled));
    await set.slack.until(() => told.length === 2);
    expect(told.sort()).toEqual(['app_uninstalled', 'tokens_revoked']);
    await expect(
      new WebClient(set.installed.token, { slackApiUrl: set.slack.apiUrl }).auth.test(),
    ).rejects.toMatchObject({
      data: { error: 'account_inactive' },
    });
    expect(() => set.ada.dm('anyone?')).toThrow('not installed');
  });

  test('only subscribed events come, and only with their scope and membership', async () => {
    const set = await stage({ app: { events: ['message.channels', 'app_home_opened'] } });
    await boot(set, transport, { register() {} });
    const { ada, bob, general, workspace, slack } = set;
    expect(ada.dm('hi').deliveries).toEqual([]);
    expect(ada.mention(general, 'hi').deliveries).toHaveLength(1);
    expect(
      ada.post(workspace.addChannel('away', { members: [ada, bob], withBot: false }), 'hi').deliveries,
    ).toEqual([]);
    expect(ada.openApp('messages')?.envelope.body.event).toMatchObject({
      type: 'app_home_opened',
      tab: 'messages',
      user: ada.id,
    });
    general.removeBot();
    expect(ada.post(general, 'gone?').deliveries).toEqual([]);
    const narrow = slack.addWorkspace('Narrow');
    narrow.install({ scopes: ['chat:write'] });
    expect(narrow.addUser('carl').post(narrow.addChannel('c'), 'hi').deliveries).toEqual([]);
  });

  test('on Slack Connect the event names the speaker’s workspace and is authorised for ours', async () => {
    const set = await stage();
    await boot(set, transport, { register() {} });
    const partner = set.slack.addWorkspace('Partner');
    const zoe = partner.addUser('zoe');
    const shared = set.workspace.addChannel('shared', { members: [set.ada, zoe], sharedWith: [partner] });
    const { body } = only(zoe.post(shared, 'hello').deliveries).envelope;
    expect(body).toMatchObject({
      team_id: partner.id,
      context_team_id: set.workspace.id,
      is_ext_shared_channel: true,
      authorizations: [{ team_id: set.workspace.id }],
      event: { user: zoe.id, user_team: partner.id, source_team: partner.id },
    });
  });
});

describe('over http alone', () => {
  test('Bolt turns away what is not signed by Slack, and Slack tries again', async () => {
    const set = await stage();
    const seen: unknown[] = [];
    const { http } = await boot(set, 'http', {
      register: app => app.message(async ({ message }) => void seen.push(message)),
    });
    if (http === undefined) throw new Error('not on http');
    for (const signing of ['wrong_secret', 'stale', 'missing'] as const) {
      http.signing = signing;
      const delivery = only(set.ada.dm(signing).deliveries);
      await set.slack.until(
        () => delivery.attempts.length === 2 && delivery.attempts[1]?.result !== undefined,
      );
      expect(delivery.attempts[0]?.result).toMatchObject({ ok: false, reason: 'http_error', status: 401 });
      expect(delivery.attempts[1]?.retry).toEqual({ num: 1, reason: 'http_error' });
    }
    expect(seen).toEqual([]);
    http.signing = 'correct';
    set.slack.clock.advance(60_000);
    await set.slack.until(() => seen.length === 3);
  });

  test('a Request URL that does not answer the challenge cannot be saved', async () => {
    const { slack } = await stage();
    await expect(slack.useHttp(`${slack.origin}/nothing-here`)).rejects.toThrow('url_verification');
  });
});

describe('over Socket Mode alone', () => {
  async function twoConnections(set: Stage, register: (app: App) => void) {
    const first = await boot(set, 'socket', { register });
    const second = await boot(set, 'socket', { register });
    return [first, second] as const;
  }

  test('what a dying connection did not acknowledge goes to another one', async () => {
    const set = await stage();
    const hangs: (() => void)[] = [];
    let asked = 0;
    const seen: unknown[] = [];
    const authorize = async () => {
      asked += 1;
      if (asked === 1) await new Promise<void>(resolve => hangs.push(resolve));
    };
    const register = (app: App) => app.message(async ({ message }) => void seen.push(message));
    await boot(set, 'socket', { authorize, register });
    const delivery = only(set.ada.dm('hello?').deliveries);
    await set.slack.until(() => asked === 1);
    set.slack.socket.cut();
    await boot(set, 'socket', { authorize, register });
    await set.slack.until(() => delivery.attempts.length >= 2);
    if (delivery.state !== 'acked') set.slack.clock.advance(60_000);
    await delivery.settled;
    expect(delivery.state).toBe('acked');
    await set.slack.until(() => seen.length === 1);
    for (const release of hangs) release();
  });

  test('a silent connection loses the event to the other after three seconds', async () => {
    const set = await stage();
    const seen: string[] = [];
    let deaf = '';
    const listen = (name: string): BoltOptions => ({
      async authorize() {
        deaf ||= name;
        if (deaf === name) await new Promise<void>(resolve => endings.push(async () => resolve()));
      },
      register: app => app.message(async () => void seen.push(name)),
    });
    await boot(set, 'socket', listen('one'));
    await boot(set, 'socket', listen('two'));
    const delivery = only(set.ada.dm('hello?').deliveries);
    await set.slack.until(() => deaf !== '');
    set.slack.clock.advance(3_000);
    await delivery.settled;
    await set.slack.until(() => seen.length === 1);
    expect(seen).toEqual([deaf === 'one' ? 'two' : 'one']);
    expect(delivery.attempts[1]?.retry).toEqual({ num: 1, reason: 'timeout' });
  });

  test('the eleventh connection is turned away', async () => {
    const set = await stage({ limits: { socketConnections: 1 } });
    await boot(set, 'socket', { register() {} });
    expect(set.slack.socket.connections).toBe(1);
    const client = new WebClient(undefined, { slackApiUrl: set.slack.apiUrl });
    const { url = '' } = await client.apps.connections.open({ token: set.slack.appToken });
    const goodbye = await new Promise<string>((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.on('message', data => resolve(String(data)));
      socket.on('error', reject);
    });
    expect(JSON.parse(goodbye)).toMatchObject({ type: 'disconnect', reason: 'too_many_websockets' });
    expect(set.slack.socket.connections).toBe(1);
  });

  test('a recycled connection is warned, and an event meanwhile finds the other or waits for its retry', async () => {
    const set = await stage();
    const seen: unknown[] = [];
    const [, second] = await twoConnections(set, app =>
      app.message(async ({ message }) => void seen.push(message)),
    );
    expect(set.slack.socket.connections).toBe(2);
    set.slack.socket.refresh();
    // Nobody takes new payloads between the warning and the reconnect.
    const delivery = only(set.ada.dm('during the gap').deliveries);
    await set.slack.until(() => set.slack.socket.connections === 0);
    await set.slack.until(() => delivery.attempts.length === 2);
    expect(delivery.attempts[0]?.result).toEqual({ ok: false, reason: 'connection_failed' });
    await second.app.start();
    set.slack.clock.advance(60_000);
    await set.slack.until(() => seen.length === 1);
  });

  test('an app-level token without connections:write opens nothing', async () => {
    const set = await stage({ app: { appScopes: [] } });
    const client = new WebClient(set.slack.appToken, { slackApiUrl: set.slack.apiUrl, logger: quiet });
    await expect(client.apps.connections.open({})).rejects.toMatchObject({
      data: { error: 'missing_scope', needed: 'connections:write' },
    });
  });
});

describe('OAuth', () => {
  test('Bolt installs itself through the consent page, per workspace', async () => {
    const slack = await createFakeSlack({ app: { tokenRotation: true } });
    endings.push(() => slack.stop());
    const stored = new Map<string, { token: string; refreshToken: string | undefined }>();
    const app = new App({
      signingSecret: slack.app.signingSecret,
      clientId: slack.app.clientId,
      clientSecret: slack.app.clientSecret,
      stateSecret: 'state secret',
      scopes: [...slack.app.scopes],
      installerOptions: {
        directInstall: true,
        redirectUriPath: '/slack/oauth_redirect',
        authorizationUrl: `${slack.origin}/oauth/v2/authorize`,
        clientOptions: { slackApiUrl: slack.apiUrl },
      },
      redirectUri: 'http://127.0.0.1/slack/oauth_redirect',
      installationStore: {
        storeInstallation: async ({ team, bot }) => {
          if (team !== undefined && bot !== undefined)
            stored.set(team.id, { token: bot.token, refreshToken: bot.refreshToken });
        },
        fetchInstallation: async () => {
          throw new Error('not asked for here');
        },
      },
      clientOptions: { slackApiUrl: slack.apiUrl },
      logger: quiet,
    });
    const origin = `http://127.0.0.1:${portOf(await app.start(0))}`;
    endings.push(() => app.stop());

    const visit = (url: string, cookie = '') => fetch(url, { redirect: 'manual', headers: { cookie } });
    const location = (response: Response) => response.headers.get('location') ?? '';
    async function install(workspace: Workspace): Promise<void> {
      slack.approve({ workspace, user: workspace.addUser('boss') });
      const start = await visit(`${origin}/slack/install`);
      const consent = await visit(location(start));
      const back = new URL(location(consent));
      const done = await visit(
        `${origin}${back.pathname}${back.search}`,
        start.headers.get('set-cookie')?.split(';')[0],
      );
      expect(done.status).toBe(200);
    }
    const north = slack.addWorkspace('North');
    const south = slack.addWorkspace('South');
    await install(north);
    await install(south);
    expect([...stored.keys()]).toEqual([north.id, south.id]);
    for (const [team, { token, refreshToken }] of stored) {
      expect(token).toMatch(/^xoxe\.xoxb-/);
      expect(refreshToken).toMatch(/^xoxe-/);
      expect(await new WebClient(token, { slackApiUrl: slack.apiUrl }).auth.test()).toMatchObject({
        team_id: team,
      });
    }

    slack.approve('deny');
    const refused = await visit(location(await visit(`${origin}/slack/install`)));
    expect(new URL(location(refused)).searchParams.get('error')).toBe('access_denied');
  });

  test('a code and a refresh token work once, and the newest two access tokens count', async () => {
    const { slack, workspace, ada } = await stage({ app: { tokenRotation: true } });
    slack.approve({ workspace, user: ada });
    const client = new WebClient(undefined, { slackApiUrl: slack.apiUrl, logger: quiet });
    const credentials = { client_id: slack.app.clientId, client_secret: slack.app.clientSecret };
    const redirect_uri = 'https://bot.example/back';
    async function freshCode(): Promise<string> {
      const query = new URLSearchParams({
        client_id: slack.app.clientId,
        scope: 'chat:write,im:history',
        redirect_uri,
      });
      const page = await fetch(`${slack.origin}/oauth/v2/authorize?${query}`, { redirect: 'manual' });
      return new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? '';
    }
    const exchange = (code: string, extra: object = {}) =>
      client.oauth.v2.access({ ...credentials, code, redirect_uri, ...extra });
    const refresh = (refresh_token = '') =>
      client.oauth.v2.access({ ...credentials, grant_type: 'refresh_token', refresh_token });
    const failure = (error: string) => ({ data: { ok: false, error } });

    const code = await freshCode();
    const first = await exchange(code);
    expect(first).toMatchObject({
      token_type: 'bot',
      expires_in: 43_200,
      team: { id: workspace.id },
      authed_user: { id: ada.id },
    });
    await expect(exchange(code)).rejects.toMatchObject(failure('invalid_code'));
    await expect(exchange(await freshCode(), { client_secret: 'no' })).rejects.toMatchObject(
      failure('bad_client_secret'),
    );
    await expect(exchange(await freshCode(), { redirect_uri: 'https://evil.example' })).rejects.toMatchObject(
      failure('bad_redirect_uri'),
    );
    const late = await freshCode();
    slack.clock.advance(10 * 60_000);
    await expect(exchange(late)).rejects.toMatchObject(failure('invalid_code'));

    const second = await refresh(first.refresh_token);
    await expect(refresh(first.refresh_token)).rejects.toMatchObject(failure('invalid_refresh_token'));
    const third = await refresh(second.refresh_token);
    const works = (token?: string) => client.auth.test({ token: token ?? '' });
    await works(second.access_token);
    await works(third.access_token);
    await expect(works(first.access_token)).rejects.toMatchObject(failure('token_revoked'));
  });

  test('an organisation-wide installation has no team, and its events say so', async () => {
    const slack = await createFakeSlack({ frozenClock: true });
    endings.push(() => slack.stop());
    const enterprise = slack.addEnterprise('Org');
    const north = slack.addWorkspace('North', { enterprise });
    const boss = north.addUser('boss');
    slack.approve({ workspace: north, user: boss, orgWide: true });
    const query = new URLSearchParams({
      client_id: slack.app.clientId,
      scope: slack.app.scopes.join(','),
      redirect_uri: 'https://b.example/',
    });
    const page = await fetch(`${slack.origin}/oauth/v2/authorize?${query}`, { redirect: 'manual' });
    const code = new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const client = new WebClient(undefined, { slackApiUrl: slack.apiUrl });
    const granted = await client.oauth.v2.access({
      client_id: slack.app.clientId,
      client_secret: slack.app.clientSecret,
      code,
      redirect_uri: 'https://b.example/',
    });
    expect(granted).toMatchObject({
      is_enterprise_install: true,
      team: null,
      enterprise: { id: enterprise.id },
    });
    const { body } = only(boss.dm('hi').deliveries).envelope;
    expect(body).toMatchObject({
      team_id: north.id,
      enterprise_id: enterprise.id,
      authorizations: [{ enterprise_id: enterprise.id, team_id: null, is_enterprise_install: true }],
    });
    expect(boss.command('/preferences').payload).toMatchObject({
      team_id: north.id,
      is_enterprise_install: 'true',
    });
  });
});
