import { ErrorCode, WebClient } from '@slack/web-api';
import { afterEach, describe, expect, test } from 'vitest';
import type { User } from './slack/drivers/user.ts';
import type { ChannelDriver, Installed, Workspace } from './slack/drivers/workspace.ts';
import { createFakeSlack, type FakeSlack, type FakeSlackOptions } from './slack/fake-slack.ts';

const quiet = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => 'error' as never,
  setName() {},
};

const started: FakeSlack[] = [];

afterEach(async () => {
  for (const slack of started.splice(0)) await slack.stop();
});

interface Stage {
  readonly slack: FakeSlack;
  readonly workspace: Workspace;
  readonly app: Installed;
  readonly ada: User;
  readonly bob: User;
  readonly general: ChannelDriver;
  readonly client: WebClient;
}

function clientFor(slack: FakeSlack, token: string | undefined): WebClient {
  return new WebClient(token, {
    slackApiUrl: slack.apiUrl,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logger: quiet,
  });
}

async function stage(options: FakeSlackOptions = {}): Promise<Stage> {
  const slack = await createFakeSlack({ frozenClock: true, limits: { retriesMs: [] }, ...options });
  started.push(slack);
  const workspace = slack.addWorkspace('Acme');
  const app = workspace.install();
  const ada = workspace.addUser('ada', { displayName: 'Ada' });
  const bob = workspace.addUser('bob', { displayName: 'Bob' });
  const general = workspace.addChannel('general', { members: [ada, bob] });
  return { slack, workspace, app, ada, bob, general, client: clientFor(slack, app.token) };
}

/** The `data` of the error a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error && 'data' in error && typeof error.data === 'object' && error.data !== null) {
      return { ...error.data };
    }
    throw error;
  }
  throw new Error('the call was let through');
}

const errorOf = async (call: Promise<unknown>) => (await refusal(call)).error;

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const button = (action_id: string, label = 'Press') => ({
  type: 'button',
  action_id,
  text: { type: 'plain_text', text: label },
  value: action_id,
});

describe('tokens and scopes', () => {
  test('a call needs a token that exists, still works and is of the right kind', async () => {
    const { slack, workspace, app, client } = await stage();
    expect(await errorOf(clientFor(slack, undefined).auth.test())).toBe('not_authed');
    expect(await errorOf(clientFor(slack, 'xoxb-made-up').auth.test())).toBe('invalid_auth');
    expect(await errorOf(clientFor(slack, slack.appToken).auth.test())).toBe('not_allowed_token_type');
    expect(await errorOf(client.apps.connections.open({}))).toBe('not_allowed_token_type');
    expect(await client.auth.test()).toMatchObject({
      team_id: workspace.id,
      user_id: app.botUserId,
      bot_id: app.botId,
    });

    workspace.revokeTokens();
    expect(await errorOf(client.auth.test())).toBe('token_revoked');
    const again = workspace.install();
    workspace.uninstall();
    expect(await errorOf(clientFor(slack, again.token).auth.test())).toBe('account_inactive');
  });

  test('a rotating token expires after twelve hours', async () => {
    const { slack, workspace } = await stage();
    const { token } = workspace.install({ rotating: true });
    expect(token).toMatch(/^xoxe\.xoxb-/);
    await clientFor(slack, token).auth.test();
    slack.clock.advance(12 * 60 * 60_000);
    expect(await errorOf(clientFor(slack, token).auth.test())).toBe('token_expired');
  });

  test('an app can revoke its token and uninstall itself with its own secret', async () => {
    const { slack, workspace, client } = await stage();
    await client.auth.revoke({});
    expect(await errorOf(client.auth.test())).toBe('token_revoked');
    const { token } = workspace.install();
    const again = clientFor(slack, token);
    const credentials = { client_id: slack.app.clientId, client_secret: slack.app.clientSecret };
    expect(await errorOf(again.apps.uninstall({ ...credentials, client_secret: 'no' }))).toBe(
      'bad_client_secret',
    );
    await again.apps.uninstall(credentials);
    expect(await errorOf(again.auth.test())).toBe('account_inactive');
  });

  test('a missing scope names what is needed and what there is', async () => {
    const { slack, general } = await stage();
    const other = slack.addWorkspace('Other');
    const { token } = other.install({ scopes: ['im:history'] });
    const poor = clientFor(slack, token);
    const refused = await refusal(poor.chat.postMessage({ channel: general.id, text: 'hi' }));
    expect(refused).toMatchObject({ error: 'missing_scope', needed: 'chat:write', provided: 'im:history' });
    const channel = other.addChannel('c');
    expect(await refusal(poor.conversations.history({ channel: channel.id }))).toMatchObject({
      error: 'missing_scope',
      needed: 'channels:history',
    });
  });

  test('unknown methods and missing arguments are refused with reasons', async () => {
    const { client } = await stage();
    expect(await errorOf(client.apiCall('chat.shout', {}))).toBe('unknown_method');
    expect(await refusal(client.apiCall('chat.postMessage', { text: 'hi' }))).toMatchObject({
      error: 'invalid_arguments',
      response_metadata: { messages: ['[ERROR] missing required field: channel'] },
    });
  });

  test('a token does not reach another workspace', async () => {
    const { slack, ada, general } = await stage();
    const other = slack.addWorkspace('Other').install();
    const stranger = clientFor(slack, other.token);
    expect(await errorOf(stranger.chat.postMessage({ channel: general.id, text: 'hi' }))).toBe(
      'channel_not_found',
    );
    expect(await errorOf(stranger.chat.postMessage({ channel: ada.dmChannel, text: 'hi' }))).toBe(
      'channel_not_found',
    );
    expect(await errorOf(stranger.users.info({ user: ada.id }))).toBe('user_not_visible');
  });

  test('an organisation-wide token reaches its workspaces and needs team_id where Slack asks for it', async () => {
    const { slack } = await stage();
    const enterprise = slack.addEnterprise('Org');
    const north = slack.addWorkspace('North', { enterprise });
    const south = slack.addWorkspace('South', { enterprise });
    const { token, botUserId } = north.install({ orgWide: true });
    const client = clientFor(slack, token);
    expect(await client.auth.test()).toMatchObject({
      is_enterprise_install: true,
      enterprise_id: enterprise.id,
    });
    const channel = south.addChannel('south');
    await client.chat.postMessage({ channel: channel.id, text: 'hello' });
    expect(channel.messages.at(-1)?.from).toBe(botUserId);
    expect(await errorOf(client.bots.info({}))).toBe('team_not_found');
  });
});

describe('the app’s settings', () => {
  test('are told to the configuration token alone, for twelve hours, as they are', async () => {
    const { slack, client } = await stage({ app: { events: ['message.im'], homeTab: false, commands: [] } });
    const app_id = slack.app.id;
    expect(await errorOf(client.apps.manifest.export({ app_id }))).toBe('not_allowed_token_type');
    const config = clientFor(slack, slack.configToken);
    expect(await errorOf(config.apps.manifest.export({ app_id: 'A0ELSE' }))).toBe('app_not_found');
    expect(await errorOf(config.apps.manifest.export({ app_id: 'elsewhere' }))).toBe('invalid_app_id');
    const { manifest } = await config.apps.manifest.export({ app_id });
    expect(manifest?.settings).toMatchObject({
      event_subscriptions: { bot_events: ['message.im'] },
      interactivity: { is_enabled: true },
      socket_mode_enabled: true,
    });
    expect(manifest?.features?.app_home?.home_tab_enabled).toBe(false);
    expect(manifest?.features).not.toHaveProperty('slash_commands');
    expect(manifest?.oauth_config?.scopes?.bot).toEqual(slack.app.scopes);
    expect(await errorOf(config.auth.test())).toBe('not_allowed_token_type');
    slack.clock.advance(12 * 3600_000);
    expect(await errorOf(config.apps.manifest.export({ app_id }))).toBe('token_expired');
  });

  test('with interactivity off let nobody press a button', async () => {
    const { client, ada } = await stage({ app: { interactivity: false } });
    const blocks = [{ type: 'actions', elements: [button('go')] }];
    await client.chat.postMessage({ channel: ada.dmChannel, text: 'x', blocks });
    const [message] = ada.sees(ada.dmChannel);
    expect(() => ada.press(message ?? ({} as never), 'go')).toThrow(/interactive/);
  });
});

describe('channels and membership', () => {
  test('each kind of absence has its own error', async () => {
    const { client, workspace, ada, app } = await stage();
    const post = (channel: string) => client.chat.postMessage({ channel, text: 'hi' });
    expect(await errorOf(post('C0NOTTHERE'))).toBe('channel_not_found');
    expect(await errorOf(post(workspace.addChannel('away', { withBot: false }).id))).toBe('not_in_channel');
    expect(await errorOf(post(workspace.addChannel('secret', { private: true, withBot: false }).id))).toBe(
      'channel_not_found',
    );
    expect(await errorOf(post(app.botUserId))).toBe('cannot_dm_bot');
    const old = workspace.addChannel('old');
    old.archive();
    expect(await errorOf(post(old.id))).toBe('is_archived');
    const posted = await post(ada.id);
    expect(posted.channel).toBe(ada.dmChannel);
  });

  test('joining, leaving, opening and looking up need their own scopes', async () => {
    const { slack, workspace, ada, bob } = await stage();
    const scopes = [
      'chat:write',
      'channels:join',
      'channels:manage',
      'channels:read',
      'im:write',
      'mpim:write',
      'reactions:write',
    ];
    const north = slack.addWorkspace('North');
    const { token, botUserId } = north.install({ scopes });
    const client = clientFor(slack, token);
    const channel = north.addChannel('town', { withBot: false });
    await client.conversations.join({ channel: channel.id });
    expect((await client.conversations.members({ channel: channel.id })).members).toEqual([botUserId]);
    const posted = await client.chat.postMessage({ channel: channel.id, text: 'hi' });
    const react = () =>
      client.reactions.add({ channel: channel.id, timestamp: posted.ts ?? '', name: 'eyes' });
    await react();
    expect(await errorOf(react())).toBe('already_reacted');
    await client.conversations.leave({ channel: channel.id });
    expect((await client.conversations.info({ channel: channel.id })).channel).toMatchObject({
      is_member: false,
    });
    expect(await errorOf(client.chat.postMessage({ channel: channel.id, text: 'hi' }))).toBe(
      'not_in_channel',
    );

    const carl = north.addUser('carl');
    expect((await client.conversations.open({ users: carl.id })).channel?.id).toBe(carl.dmChannel);
    const dora = north.addUser('dora');
    const trio = await client.conversations.open({ users: `${carl.id},${dora.id}` });
    expect(await client.conversations.open({ users: `${dora.id},${carl.id}` })).toMatchObject({
      channel: { id: trio.channel?.id },
    });
    expect(await errorOf(client.conversations.open({ users: `${ada.id},${bob.id}x` }))).toBe(
      'user_not_found',
    );
    expect(
      await errorOf(clientFor(slack, workspace.install().token).conversations.info({ channel: channel.id })),
    ).toBe('missing_scope');
  });

  test('history is newest first without replies, replies page from the root on', async () => {
    const { client, general, ada } = await stage();
    const root = ada.post(general, 'root');
    for (const text of ['one', 'two', 'three']) ada.post(general, text, { threadTs: root.ts });
    ada.post(general, 'later');
    const history = await client.conversations.history({ channel: general.id });
    expect(history.messages?.map(({ text, reply_count }) => [text, reply_count])).toEqual([
      ['later', undefined],
      ['root', 3],
    ]);
    const page = (cursor?: string) =>
      client.conversations.replies({
        channel: general.id,
        ts: root.ts,
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      });
    const first = await page();
    expect(first.messages?.map(({ text }) => text)).toEqual(['root', 'one', 'two']);
    const second = await page(first.response_metadata?.next_cursor);
    expect([second.has_more, second.messages?.map(({ text }) => text)]).toEqual([false, ['root', 'three']]);
    const since = await client.conversations.history({ channel: general.id, oldest: root.ts });
    expect(since.messages?.map(({ text }) => text)).toEqual(['later']);
  });

  test('a reply needs a root that is still there', async () => {
    const { client, general, ada } = await stage();
    const root = ada.post(general, 'a question');
    await client.chat.postMessage({ channel: general.id, thread_ts: root.ts, text: 'an answer' });
    const doomed = ada.post(general, 'never mind');
    ada.delete(doomed);
    const reply = (thread_ts: string) =>
      client.chat.postMessage({ channel: general.id, thread_ts, text: 'late' });
    expect(await errorOf(reply(doomed.ts))).toBe('thread_not_found');
    expect(await errorOf(reply('yesterday'))).toBe('invalid_thread_ts');
    const { messages } = await client.conversations.replies({ channel: general.id, ts: root.ts });
    expect(messages?.map(({ text }) => text)).toEqual(['a question', 'an answer']);
  });
});

describe('limits of a message', () => {
  test('text is cut at 40,000 on posting and refused above 4,000 on updating', async () => {
    const { client, general } = await stage();
    const posted = await client.chat.postMessage({ channel: general.id, text: 'x'.repeat(40_001) });
    expect(posted.message?.text).toHaveLength(40_000);
    expect(posted.response_metadata?.warnings).toEqual(['message_truncated']);
    const update = (text: string) => client.chat.update({ channel: general.id, ts: posted.ts ?? '', text });
    expect(await errorOf(update('x'.repeat(4_001)))).toBe('msg_too_long');
    await update('x'.repeat(4_000));
  });

  test('markdown_text takes 12,000 characters and stands alone', async () => {
    const { client, general } = await stage({ rateLimits: false });
    const channel = general.id;
    expect(await errorOf(client.chat.postMessage({ channel, markdown_text: 'x'.repeat(12_001) }))).toBe(
      'msg_too_long',
    );
    expect(
      await errorOf(client.apiCall('chat.postMessage', { channel, markdown_text: 'a', text: 'b' })),
    ).toBe('markdown_text_conflict');
    expect(
      await errorOf(
        client.apiCall('chat.postMessage', { channel, markdown_text: 'a', blocks: [section('b')] }),
      ),
    ).toBe('markdown_text_conflict');
    expect(await errorOf(client.chat.postMessage({ channel, text: '' }))).toBe('no_text');
    await client.chat.postMessage({ channel, markdown_text: 'x'.repeat(12_000) });
  });

  test('blocks are counted, measured and looked at one by one', async () => {
    const { client, general } = await stage({ rateLimits: false });
    const post = (blocks: object[]) =>
      client.apiCall('chat.postMessage', { channel: general.id, text: 'fallback', blocks });
    const wrong = async (blocks: object[]) => {
      const { error, errors } = await refusal(post(blocks));
      return `${String(error)}: ${String(errors)}`;
    };
    expect(await wrong(Array.from({ length: 51 }, () => ({ type: 'divider' })))).toBe(
      'invalid_blocks: no more than 50 items allowed [json-pointer:/blocks]',
    );
    expect(await wrong([section('x'.repeat(3_001))])).toBe(
      'invalid_blocks: must be less than 3001 characters [json-pointer:/blocks/0/text/text]',
    );
    expect(await wrong([{ type: 'sparkles' }])).toBe(
      'invalid_blocks: unsupported type: sparkles [json-pointer:/blocks/0/type]',
    );
    expect(await wrong([{ type: 'actions', elements: [button('a', 'x'.repeat(76))] }])).toContain(
      'must be less than 76 characters',
    );
    expect(await wrong([{ type: 'actions', elements: [button('same'), button('same')] }])).toContain(
      '`action_id` "same" already exists',
    );
    expect(
      await wrong([
        { ...section('a'), block_id: 'b' },
        { ...section('c'), block_id: 'b' },
      ]),
    ).toContain('`block_id` "b" already exists');
    expect(await wrong([{ type: 'actions', elements: [] }])).toContain('no fewer than 1 items allowed');
    expect(await wrong([{ type: 'header', text: { type: 'mrkdwn', text: 'h' } }])).toContain(
      'unsupported type: mrkdwn',
    );
    expect(await wrong([{ type: 'section', text: 'plain' }])).toContain('must provide an object');
    expect(await wrong([{ type: 'markdown', text: 'x'.repeat(12_001) }])).toContain(
      'must be less than 12001 characters',
    );
    expect(await errorOf(post(Array.from({ length: 5 }, () => section('x'.repeat(2_900)))))).toBe(
      'msg_blocks_too_long',
    );
    expect(await errorOf(client.apiCall('chat.postMessage', { channel: general.id, blocks: '[{' }))).toBe(
      'invalid_blocks_format',
    );
    await post([section('fine'), { type: 'actions', elements: [button('a'), button('b')] }]);
  });

  test('an update with text alone drops the blocks, and only your own messages can be changed', async () => {
    const { client, general, ada } = await stage();
    const posted = await client.chat.postMessage({
      channel: general.id,
      text: 'fallback',
      blocks: [section('pretty')],
    });
    expect(ada.sees(general).at(-1)).toMatchObject({ text: 'pretty', edited: false });
    await client.chat.update({ channel: general.id, ts: posted.ts ?? '', text: 'plain' });
    expect(ada.sees(general).at(-1)).toMatchObject({ text: 'plain', blocks: [], edited: true });
    expect(general.messages.at(-1)?.message.versions.map(({ text }) => text)).toEqual(['pretty']);
    const hers = ada.post(general, 'mine');
    expect(await errorOf(client.chat.update({ channel: general.id, ts: hers.ts, text: 'yours' }))).toBe(
      'cant_update_message',
    );
    expect(await errorOf(client.chat.delete({ channel: general.id, ts: hers.ts }))).toBe(
      'cant_delete_message',
    );
    expect(
      await errorOf(client.chat.update({ channel: general.id, ts: '1700000000.000000', text: 'x' })),
    ).toBe('message_not_found');
  });
});

describe('who sees what', () => {
  test('an ephemeral message is for one person, who has to be there', async () => {
    const { client, general, ada, bob, workspace } = await stage();
    const posted = await client.chat.postEphemeral({ channel: general.id, user: ada.id, text: 'psst' });
    expect(ada.sees(general).map(({ text, ephemeral }) => ({ text, ephemeral }))).toEqual([
      { text: 'psst', ephemeral: true },
    ]);
    expect(bob.sees(general)).toEqual([]);
    const outsider = workspace.addUser('eve');
    expect(
      await errorOf(client.chat.postEphemeral({ channel: general.id, user: outsider.id, text: 'x' })),
    ).toBe('user_not_in_channel');
    expect(
      await errorOf(client.chat.update({ channel: general.id, ts: posted.message_ts ?? '', text: 'x' })),
    ).toBe('message_not_found');
    expect((await client.conversations.history({ channel: general.id })).messages).toEqual([]);
  });

  test('an ephemeral reply shows only in a thread that already has replies', async () => {
    const { client, general, ada } = await stage();
    const root = ada.post(general, 'question');
    const whisper = (text: string) =>
      client.chat.postEphemeral({ channel: general.id, user: ada.id, thread_ts: root.ts, text });
    await whisper('too early');
    await client.chat.postMessage({ channel: general.id, thread_ts: root.ts, text: 'answer' });
    await whisper('in time');
    expect(ada.sees(general, root.ts).map(({ text }) => text)).toEqual(['question', 'answer', 'in time']);
  });

  test('a private channel and another person’s DM stay out of sight', async () => {
    const { client, workspace, ada, bob } = await stage();
    const den = workspace.addChannel('den', { private: true, members: [ada] });
    await client.chat.postMessage({ channel: den.id, text: 'for members' });
    await client.chat.postMessage({ channel: ada.dmChannel, text: 'for ada' });
    expect(ada.sees(den)).toHaveLength(1);
    expect(bob.sees(den)).toEqual([]);
    expect(bob.sees(ada.dmChannel)).toEqual([]);
  });

  test('mentions that would ping and links that would be fetched are noticed', async () => {
    const { slack, client, general, ada } = await stage({ rateLimits: false });
    const channel = general.id;
    await client.chat.postMessage({
      channel,
      text: 'all &lt;!channel&gt; clear',
      unfurl_links: false,
      unfurl_media: false,
    });
    await client.chat.postMessage({
      channel,
      text: 'https://quiet.example',
      unfurl_links: false,
      unfurl_media: false,
    });
    await client.apiCall('chat.postMessage', {
      channel,
      text: 'shown as typed',
      blocks: [{ type: 'header', text: { type: 'plain_text', text: '<!channel> https://plain.example' } }],
    });
    expect(slack.pings()).toEqual([]);
    expect(slack.crawled()).toEqual([]);
    await client.chat.postMessage({
      channel,
      text: `<!channel> <@${ada.id}> see <https://loud.example/a|this>`,
    });
    await client.chat.postMessage({ channel, text: 'fallback <!here>', blocks: [section('nobody')] });
    expect(slack.pings().map(({ target }) => target)).toEqual(['channel', ada.id, 'here']);
    expect(slack.crawled().map(({ url }) => url)).toEqual(['https://loud.example/a']);
  });
});

describe('rate limits', () => {
  test('a tier lets its minute and a burst through, then says 429 with retry-after', async () => {
    const { slack, client, workspace, general, ada } = await stage();
    const root = ada.post(general, 'go');
    const start = () =>
      client.chat.startStream({
        channel: general.id,
        thread_ts: root.ts,
        recipient_user_id: ada.id,
        recipient_team_id: workspace.id,
      });
    for (let call = 0; call < 24; call += 1) await start();
    await expect(start()).rejects.toMatchObject({ code: ErrorCode.RateLimitedError, retryAfter: 60 });
    slack.clock.advance(30_000);
    await expect(start()).rejects.toMatchObject({ retryAfter: 30 });
    slack.clock.advance(30_000);
    await start();
    expect(slack.rates.usage(workspace.id, 'chat.startStream')).toEqual({
      accepted: 25,
      limited: 2,
      peakPerMinute: 24,
    });
  });

  test('a channel takes a short burst of posts and then one a second, another channel is not held up', async () => {
    const { slack, client, workspace, general } = await stage();
    const other = workspace.addChannel('other');
    const post = (channel: string) => client.chat.postMessage({ channel, text: 'hi' });
    for (let call = 0; call < 3; call += 1) await post(general.id);
    await expect(post(general.id)).rejects.toMatchObject({ retryAfter: 1 });
    await post(other.id);
    slack.clock.advance(1_000);
    await post(general.id);
  });

  test('limits are per workspace, and can be switched off while the counters go on', async () => {
    const { slack, client, workspace, ada } = await stage({ rateLimits: { perMinute: { 'users.info': 1 } } });
    const north = slack.addWorkspace('North');
    const carl = north.addUser('carl');
    const elsewhere = clientFor(slack, north.install().token);
    await client.users.info({ user: ada.id });
    await expect(client.users.info({ user: ada.id })).rejects.toMatchObject({
      code: ErrorCode.RateLimitedError,
    });
    await elsewhere.users.info({ user: carl.id });
    expect(slack.rates.usage(workspace.id, 'users.info')).toMatchObject({ accepted: 1, limited: 1 });

    const free = await stage({ rateLimits: false });
    for (let call = 0; call < 150; call += 1) await free.client.users.info({ user: free.ada.id });
    expect(free.slack.rates.usage(free.workspace.id, 'users.info')).toMatchObject({
      limited: 0,
      peakPerMinute: 150,
    });
  });
});

describe('streams', () => {
  async function streaming(options: FakeSlackOptions = {}) {
    const set = await stage({ rateLimits: false, ...options });
    const root = set.ada.dm('tell me');
    const { ts = '' } = await set.client.chat.startStream({ channel: root.channel, thread_ts: root.ts });
    const at = { channel: root.channel, ts };
    const append = (text: string) =>
      set.client.chat.appendStream({ ...at, chunks: [{ type: 'markdown_text', text }] });
    const read = () => set.ada.sees(root.channel, root.ts).at(-1);
    return { ...set, root, at, append, read };
  }

  test('chunks join into what is read, with task cards and blocks at the end', async () => {
    const { client, at, append, read } = await streaming();
    await append('Hello ');
    await client.chat.appendStream({
      ...at,
      chunks: [{ type: 'task_update', id: 't', title: 'Checking your preferences', status: 'in_progress' }],
    });
    await append('world');
    expect(read()).toMatchObject({ text: 'Hello world', streaming: true });
    await client.chat.stopStream({
      ...at,
      chunks: [{ type: 'task_update', id: 't', title: 'Checked your preferences', status: 'complete' }],
      blocks: [section('Was this good?')],
    });
    expect(read()).toMatchObject({
      text: 'Hello world',
      streaming: false,
      tasks: [{ id: 't', title: 'Checked your preferences', status: 'complete' }],
    });
    expect(read()?.blocks.at(-1)).toMatchObject(section('Was this good?'));
  });

  test('the SDK’s own streamer works against it', async () => {
    const { client, root, ada } = await streaming();
    const streamer = client.chatStream({ channel: root.channel, thread_ts: root.ts, buffer_size: 4 });
    await streamer.append({ markdown_text: 'first ' });
    await streamer.append({ markdown_text: 'last' });
    await streamer.stop();
    expect(ada.sees(root.channel, root.ts).at(-1)?.text).toBe('first last');
  });

  test('a stream needs a thread, and outside a DM its reader with the reader’s workspace', async () => {
    const { client, workspace, general, ada, root } = await streaming();
    expect(await errorOf(client.apiCall('chat.startStream', { channel: root.channel }))).toBe(
      'invalid_arguments',
    );
    const question = ada.post(general, 'q');
    const start = (recipient: object) =>
      client.apiCall('chat.startStream', { channel: general.id, thread_ts: question.ts, ...recipient });
    expect(await errorOf(start({}))).toBe('missing_recipient_team_id');
    expect(await errorOf(start({ recipient_team_id: workspace.id }))).toBe('missing_recipient_user_id');
    expect(await errorOf(start({ recipient_team_id: 'T0OTHER', recipient_user_id: ada.id }))).toBe(
      'user_not_found',
    );
    await start({ recipient_team_id: workspace.id, recipient_user_id: ada.id });
  });

  test('it ends five minutes after its start although text keeps coming; then an update works', async () => {
    const { slack, client, at, append, read } = await streaming();
    for (let minute = 0; minute < 4; minute += 1) {
      slack.clock.advance(60_000);
      await append('more ');
    }
    expect(await errorOf(client.chat.update({ ...at, text: 'meanwhile' }))).toBe('streaming_state_conflict');
    slack.clock.advance(60_000);
    expect(await errorOf(append('late'))).toBe('message_not_in_streaming_state');
    expect(await errorOf(client.chat.stopStream(at))).toBe('message_not_in_streaming_state');
    await client.chat.update({ ...at, text: 'more more more more late' });
    expect(read()).toMatchObject({ text: 'more more more more late', streaming: false });
  });

  test('it holds so many bytes and no more, and one feed is taken whole or not at all', async () => {
    const { append, read } = await streaming();
    await append('a'.repeat(6_000));
    expect(await errorOf(append('b'.repeat(6_001)))).toBe('msg_too_long');
    expect(await errorOf(append('é'.repeat(3_001)))).toBe('msg_too_long');
    await append('é'.repeat(3_000));
    expect(read()?.text).toHaveLength(9_000);
  });

  test('task cards weigh in once there is text, their details twice', async () => {
    const { client, at, append } = await streaming({ limits: { streamBytes: 1_000, streamTaskBytes: 24 } });
    const task = (details: string) =>
      client.chat.appendStream({
        ...at,
        chunks: [{ type: 'task_update', id: 't', title: 'x'.repeat(76), status: 'complete', details }],
      });
    await task('d'.repeat(400));
    expect(await errorOf(append('a'.repeat(101)))).toBe('msg_too_long');
    await append('a'.repeat(100));
    expect(await errorOf(task('d'))).toBe('msg_too_long');
  });

  test('a mention cut in two by chunks still pings, and streamed links are fetched', async () => {
    const { slack, append } = await streaming();
    await append('for <!chan');
    expect(slack.pings()).toEqual([]);
    await append('nel>, see https://loud.example');
    expect(slack.pings().map(({ target }) => target)).toEqual(['channel']);
    expect(slack.crawled().map(({ url }) => url)).toEqual(['https://loud.example']);
  });

  test('markdown_text and chunks do not mix, and chunks have to be well formed', async () => {
    const { client, at, append } = await streaming();
    const mixed = { ...at, markdown_text: 'a', chunks: [{ type: 'markdown_text', text: 'b' }] };
    expect(await errorOf(client.apiCall('chat.appendStream', mixed))).toBe(
      'cannot_provide_both_markdown_text_and_chunks',
    );
    await append('a');
    expect(await errorOf(client.chat.appendStream({ ...at, markdown_text: 'b' }))).toBe(
      'streaming_mode_mismatch',
    );
    expect(
      await errorOf(
        client.apiCall('chat.appendStream', { ...at, chunks: [{ type: 'task_update', id: 't' }] }),
      ),
    ).toBe('invalid_chunks');
    expect(await errorOf(append('x'.repeat(12_001)))).toBe('msg_too_long');
    expect(await errorOf(client.apiCall('chat.appendStream', at))).toBe('no_text');
  });

  test('the stop button needs a processing session, ends the stream and leaves the status to the app', async () => {
    const { client, ada, root, at, append } = await streaming();
    await append('thinking');
    expect(() => ada.stop(root.channel, root.ts)).toThrow('no stop button');
    const session = { channel_id: root.channel, thread_ts: root.ts };
    await client.agents.sessions.setStatus({ ...session, status: 'processing' });
    const { envelope } = ada.stop(root.channel, root.ts);
    expect(envelope.body.event).toMatchObject({
      type: 'agent_session_stopped',
      streaming_message_ts: [at.ts],
      user: ada.id,
    });
    expect(await errorOf(append('on'))).toBe('stopped_by_user');
    await client.chat.stopStream({ ...at, session_status: 'active' });
    expect(() => ada.stop(root.channel, root.ts)).toThrow('no stop button');
  });
});

describe('agents', () => {
  test('a status goes with the next message or after two minutes', async () => {
    const { slack, client, ada } = await stage();
    const root = ada.dm('hi');
    const set = (args: object) =>
      client.apiCall('assistant.threads.setStatus', {
        channel_id: root.channel,
        thread_ts: root.ts,
        ...args,
      });
    await set({ status: 'is thinking', loading_messages: ['Looking around'] });
    expect(ada.status(root.channel, root.ts)).toBe('is thinking');
    await client.chat.postMessage({ channel: root.channel, thread_ts: root.ts, text: 'hello' });
    expect(ada.status(root.channel, root.ts)).toBeUndefined();
    await set({ status: 'again' });
    slack.clock.advance(120_000);
    expect(ada.status(root.channel, root.ts)).toBeUndefined();
    expect(await errorOf(set({ status: 'x', loading_messages: ['y'.repeat(51)] }))).toBe('invalid_arguments');
    expect(await errorOf(set({ status: 'x', thread_ts: '1700000000.000000' }))).toBe('invalid_thread_ts');
  });

  test('suggested prompts with a thread_ts silently do nothing under agent_view', async () => {
    const { client, ada } = await stage();
    const root = ada.dm('hi');
    const prompts = [{ title: 'Sizes', message: 'What are my sizes?' }];
    await client.assistant.threads.setSuggestedPrompts({
      channel_id: root.channel,
      thread_ts: root.ts,
      prompts,
    });
    expect(ada.prompts).toBeUndefined();
    await client.assistant.threads.setSuggestedPrompts({ channel_id: root.channel, prompts });
    expect(ada.prompts?.prompts).toEqual(prompts);
    const five = Array.from({ length: 5 }, () => ({ title: 't', message: 'm' }));
    expect(
      await errorOf(
        client.assistant.threads.setSuggestedPrompts({ channel_id: root.channel, prompts: five }),
      ),
    ).toBe('invalid_arguments');
  });

  test('a session is made by its first status and can then be renamed', async () => {
    const { client, ada } = await stage();
    const root = ada.dm('hi');
    const session = { channel_id: root.channel, thread_ts: root.ts };
    expect(await errorOf(client.agents.sessions.rename({ ...session, title: 'Shoes' }))).toBe(
      'session_not_found',
    );
    expect(await errorOf(client.agents.sessions.setStatus({ ...session, status: 'busy' }))).toBe(
      'invalid_status',
    );
    expect(
      await errorOf(client.agents.sessions.setStatus({ channel_id: root.channel, status: 'active' })),
    ).toBe('thread_ts_required');
    await client.agents.sessions.setStatus({ ...session, status: 'processing', title: 'New' });
    expect(await client.agents.sessions.rename({ ...session, title: 'Shoes' })).toMatchObject({
      title: 'Shoes',
    });
  });
});

describe('views and responses', () => {
  const modal = (text: string, extra: object = {}) => ({
    type: 'modal' as const,
    title: { type: 'plain_text' as const, text: 'Preferences' },
    blocks: [section(text)],
    ...extra,
  });
  const triggerOf = (user: User) => String(user.command('/preferences').payload.trigger_id);

  test('a trigger opens one view, within three seconds', async () => {
    const { slack, client, ada } = await stage();
    const open = (trigger_id: string) => client.views.open({ trigger_id, view: modal('hi') });
    const first = triggerOf(ada);
    await open(first);
    expect(ada.modal?.blocks).toMatchObject([section('hi')]);
    expect(await errorOf(open(first))).toBe('exchanged_trigger_id');
    const second = triggerOf(ada);
    slack.clock.advance(3_000);
    expect(await errorOf(open(second))).toBe('expired_trigger_id');
    expect(await errorOf(open('12.34.ab'))).toBe('invalid_trigger_id');
    expect(await errorOf(client.apiCall('views.open', { view: modal('hi') }))).toBe('invalid_arguments');
  });

  test('a view is limited in title, metadata, blocks and bytes', async () => {
    const { client, ada } = await stage();
    const open = (view: object) =>
      errorOf(client.apiCall('views.open', { trigger_id: triggerOf(ada), view }));
    expect(await open(modal('x', { title: { type: 'plain_text', text: 'x'.repeat(25) } }))).toBe(
      'invalid_arguments',
    );
    expect(await open(modal('x', { private_metadata: 'x'.repeat(3_001) }))).toBe('invalid_arguments');
    expect(await open(modal('x', { blocks: Array.from({ length: 101 }, () => ({ type: 'divider' })) }))).toBe(
      'invalid_arguments',
    );
    expect(await open(modal('x', { blocks: [{ type: 'markdown', text: 'x' }] }))).toBe('invalid_arguments');
    const input = {
      type: 'input',
      label: { type: 'plain_text', text: 'l' },
      element: { type: 'plain_text_input', action_id: 'a' },
    };
    expect(await open(modal('x', { blocks: [input] }))).toBe('invalid_arguments');
    expect(
      await open(modal('x', { blocks: Array.from({ length: 100 }, () => section('x'.repeat(2_900))) })),
    ).toBe('view_too_large');
    expect(await open({ ...modal('x'), type: 'home' })).toBe('invalid_arguments');
  });

  test('a hash that is no longer current is a conflict, in a modal and in the Home tab', async () => {
    const { client, ada } = await stage();
    const { view } = await client.views.open({ trigger_id: triggerOf(ada), view: modal('one') });
    const update = (hash: string | undefined, text: string) =>
      client.apiCall('views.update', {
        view_id: view?.id,
        view: modal(text),
        ...(hash === undefined ? {} : { hash }),
      });
    await update(view?.hash, 'two');
    expect(await errorOf(update(view?.hash, 'three'))).toBe('hash_conflict');
    await update(undefined, 'four');
    ada.closeModal();
    expect(await errorOf(update(undefined, 'five'))).toBe('not_found');

    const home = (text: string) => ({ type: 'home' as const, blocks: [section(text)] });
    const published = await client.views.publish({ user_id: ada.id, view: home('a') });
    await client.views.publish({ user_id: ada.id, view: home('b') });
    const hash = published.view?.hash ?? '';
    expect(await errorOf(client.views.publish({ user_id: ada.id, view: home('c'), hash }))).toBe(
      'hash_conflict',
    );
    expect(ada.home?.blocks).toMatchObject([section('b')]);
  });

  test('modals stack three deep, and only something inside one pushes another', async () => {
    const { client, ada } = await stage();
    const withButton = modal('x', { blocks: [{ type: 'actions', elements: [button('more')] }] });
    const push = (trigger_id: string) => client.apiCall('views.push', { trigger_id, view: withButton });
    await client.apiCall('views.open', { trigger_id: triggerOf(ada), view: withButton });
    expect(await errorOf(push(triggerOf(ada)))).toBe('not_found');
    const inside = () => String(ada.pressInModal('more').payload.trigger_id);
    await push(inside());
    await push(inside());
    expect(await errorOf(push(inside()))).toBe('push_limit_reached');
    ada.closeModal(true);
    expect(ada.modal).toBeUndefined();
  });

  test('a response URL takes five messages in thirty minutes', async () => {
    const { slack, ada, bob, general } = await stage();
    const respond = async (url: unknown, body: object) => {
      const response = await fetch(String(url), { method: 'POST', body: JSON.stringify(body) });
      return `${response.status} ${await response.text()}`;
    };
    const { payload } = ada.command('/preferences', '', general.id);
    for (let use = 0; use < 5; use += 1)
      expect(await respond(payload.response_url, { text: `answer ${use}` })).toBe('200 ok');
    expect(await respond(payload.response_url, { text: 'one more' })).toBe(
      '404 {"ok":false,"error":"used_url"}',
    );
    expect(ada.sees(general).filter(({ ephemeral }) => ephemeral)).toHaveLength(5);
    expect(bob.sees(general)).toEqual([]);
    const late = ada.command('/preferences', '', general.id);
    slack.clock.advance(30 * 60_000);
    expect(await respond(late.payload.response_url, { text: 'late' })).toContain('expired_url');
    const wrong = ada.command('/preferences', '', general.id);
    expect(await respond(wrong.payload.response_url, { blocks: [{ type: 'sparkles' }] })).toContain(
      'invalid_blocks',
    );
  });

  test('a press on an ephemeral message brings no message, and its response URL can replace or delete it', async () => {
    const { client, ada, bob, general } = await stage();
    const notice = {
      channel: general.id,
      user: ada.id,
      text: 'Saved',
      blocks: [section('Saved'), { type: 'actions', elements: [button('undo')] }],
    };
    await client.chat.postEphemeral(notice);
    const shown = ada.sees(general).at(-1);
    if (shown === undefined) throw new Error('no notice');
    expect(() => bob.press(shown, 'undo')).toThrow('does not see');
    expect(() => ada.press(shown, 'redo')).toThrow('nothing on screen');
    const { payload } = ada.press(shown, 'undo');
    expect(payload).toMatchObject({
      container: { is_ephemeral: true },
      actions: [{ action_id: 'undo', value: 'undo' }],
    });
    expect(payload.message).toBeUndefined();
    const post = (body: object) =>
      fetch(String(payload.response_url), { method: 'POST', body: JSON.stringify(body) });
    await post({ replace_original: true, text: 'Undone' });
    expect(ada.sees(general).map(({ text, ephemeral }) => [text, ephemeral])).toEqual([['Undone', true]]);
    await post({ delete_original: true });
    expect(ada.sees(general)).toEqual([]);
  });
});

describe('what a person does in the app', () => {
  test('opening it, looking around, and giving feedback reach it as events and presses', async () => {
    const { slack, client, ada } = await stage();
    await client.views.publish({ user_id: ada.id, view: { type: 'home', blocks: [section('your things')] } });
    const opened = ada.openApp('home')?.envelope.body.event;
    expect(opened).toMatchObject({
      type: 'app_home_opened',
      tab: 'home',
      view: { type: 'home', blocks: [section('your things')] },
    });
    const entities = [{ type: 'slack#/types/channel_id', value: 'C1' }];
    expect(ada.changeContext(entities)?.envelope.body.event).toMatchObject({
      type: 'app_context_changed',
      context: { entities },
    });
    const sent = ada.dm('hi', { appContext: { entities } });
    expect(sent.deliveries[0]?.envelope.body.event).toMatchObject({ app_context: { entities } });

    const side = (value: string) => ({ text: { type: 'plain_text', text: value }, value });
    const feedback = {
      type: 'feedback_buttons',
      action_id: 'rate',
      positive_button: side('good'),
      negative_button: side('bad'),
    };
    await client.apiCall('chat.postMessage', {
      channel: sent.channel,
      thread_ts: sent.ts,
      text: 'answer',
      blocks: [section('answer'), { type: 'context_actions', elements: [feedback] }],
    });
    const answer = ada.sees(sent.channel, sent.ts).at(-1);
    if (answer === undefined) throw new Error('no answer');
    expect(ada.feedback(answer, 'negative').payload).toMatchObject({
      actions: [{ type: 'feedback_buttons', action_id: 'rate', value: 'bad' }],
      message: { ts: answer.ts, thread_ts: sent.ts },
    });
    expect(slack.deliveries.all).toHaveLength(5);
  });

  test('files shared from elsewhere come as a bare id or with an address outside Slack', async () => {
    const { client, ada } = await stage();
    const stub = ada.dm('see', {
      files: [{ name: 'a.png', mimetype: 'image/png', content: 'A', stub: true }],
    });
    const event = stub.deliveries[0]?.envelope.body.event;
    expect(event).toMatchObject({
      subtype: 'file_share',
      files: [{ mode: 'file_access', file_access: 'check_file_info' }],
    });
    const id = stub.message.files[0]?.id ?? '';
    expect((await client.files.info({ file: id })).file).toMatchObject({ name: 'a.png', mode: 'hosted' });
    const doc = ada.dm('see', {
      files: [{ name: 'd', mimetype: 'text/html', externalUrl: 'https://docs.example/d' }],
    });
    expect(doc.deliveries[0]?.envelope.body.event).toMatchObject({
      files: [{ is_external: true, url_private: 'https://docs.example/d' }],
    });
  });
});

describe('files', () => {
  test('a private file needs the bearer; without it comes a sign-in page that looks like success', async () => {
    const { client, app, ada } = await stage();
    const sent = ada.dm('look', { files: [{ name: 'shoe.png', mimetype: 'image/png', content: 'PNG' }] });
    const id = sent.message.files[0]?.id ?? '';
    const { file } = await client.files.info({ file: id });
    const url = file?.url_private_download ?? '';
    const open = (token?: string) =>
      fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    expect(await (await open(app.token)).text()).toBe('PNG');
    const page = await open();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect((await open('xoxb-made-up')).headers.get('content-type')).toContain('text/html');
  });

  test('a token without files:read is sent to the sign-in page too', async () => {
    const { slack } = await stage();
    const north = slack.addWorkspace('North');
    const { token } = north.install({ scopes: ['chat:write', 'im:history'] });
    const { message } = north
      .addUser('carl')
      .dm('look', { files: [{ name: 'a.txt', mimetype: 'text/plain', content: 'a' }] });
    const url = `${slack.origin}/files-pri/${north.id}-${message.files[0]?.id}/a.txt`;
    const page = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(page.headers.get('content-type')).toContain('text/html');
  });

  test('a file from elsewhere is not for a workspace it was never shared with', async () => {
    const { slack, ada } = await stage();
    const sent = ada.dm('look', { files: [{ name: 'a.txt', mimetype: 'text/plain', content: 'a' }] });
    const stranger = clientFor(slack, slack.addWorkspace('Other').install().token);
    expect(await errorOf(stranger.files.info({ file: sent.message.files[0]?.id ?? '' }))).toBe('not_visible');
  });

  test('uploading goes through an address and a completion', async () => {
    const { client, ada } = await stage();
    const root = ada.dm('your notes, please');
    await client.filesUploadV2({
      channel_id: root.channel,
      thread_ts: root.ts,
      filename: 'notes.txt',
      file: Buffer.from('size 43'),
      initial_comment: 'here',
    });
    const shared = ada.sees(root.channel, root.ts).at(-1);
    expect(shared?.text).toBe('here');
    expect(shared?.message.files.map(({ name, content }) => [name, content.toString()])).toEqual([
      ['notes.txt', 'size 43'],
    ]);
  });
});

describe('faults and the journal', () => {
  test('planned faults strike once and can hit after the call took effect', async () => {
    const { slack, client, general, ada } = await stage();
    const post = (text: string) => client.chat.postMessage({ channel: general.id, text });
    slack.fail('chat.postMessage', { type: 'error', error: 'internal_error' });
    expect(await errorOf(post('a'))).toBe('internal_error');
    slack.fail('chat.postMessage', { type: 'rate_limited', retryAfter: 7 });
    await expect(post('b')).rejects.toMatchObject({ retryAfter: 7 });
    slack.fail('chat.postMessage', { type: 'http', status: 500 });
    await expect(post('c')).rejects.toMatchObject({ code: ErrorCode.HTTPError, statusCode: 500 });
    slack.fail('chat.postMessage', { type: 'drop', when: 'before' });
    await expect(post('d')).rejects.toMatchObject({ code: ErrorCode.RequestError });
    expect(ada.sees(general)).toEqual([]);
    slack.fail('chat.postMessage', { type: 'drop', when: 'after' });
    await expect(post('e')).rejects.toMatchObject({ code: ErrorCode.RequestError });
    slack.fail('chat.postMessage', { type: 'delay', ms: 5_000 });
    const slow = post('f');
    await slack.until(() => slack.calls('chat.postMessage').length === 6);
    expect(ada.sees(general).map(({ text }) => text)).toEqual(['e']);
    slack.clock.advance(5_000);
    await slow;
    expect(ada.sees(general).map(({ text }) => text)).toEqual(['e', 'f']);
  });

  test('the journal keeps calls in order, with the workspace and without secrets', async () => {
    const { slack, client, app, workspace, general } = await stage();
    await client.chat.postMessage({ channel: general.id, text: 'one', token: app.token });
    await errorOf(client.chat.postMessage({ channel: 'C0NOTTHERE', text: 'two' }));
    expect(
      slack
        .calls('chat.postMessage')
        .map(({ team, token, args, response }) => ({ team, token, args, response })),
    ).toEqual([
      {
        team: workspace.id,
        token: 'bot',
        args: { channel: general.id, text: 'one' },
        response: expect.objectContaining({ ok: true }),
      },
      {
        team: workspace.id,
        token: 'bot',
        args: { channel: 'C0NOTTHERE', text: 'two' },
        response: { ok: false, error: 'channel_not_found' },
      },
    ]);
    expect(JSON.stringify(slack.calls())).not.toContain(app.token);
  });

  test('stopping twice is safe', async () => {
    const { slack } = await stage();
    await slack.stop();
    await slack.stop();
  });
});
