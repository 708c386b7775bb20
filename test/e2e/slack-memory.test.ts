import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSlackAdapter } from '../../src/adapters/slack/adapter.ts';
import { WHY_SHORTCUT } from '../../src/adapters/slack/scopes.ts';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { type Bot, createBot } from '../../src/core/bot.ts';
import { createCustomTools } from '../../src/core/custom-tools.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import { createRuntime, type Runtime } from '../../src/runtime/server.ts';
import {
  asInManifest,
  freePort,
  type LogLine,
  recordingLog,
  transportOf,
} from '../adapters/slack/harness.ts';
import type { Seen } from '../fakes/slack/drivers/screen.ts';
import type { User } from '../fakes/slack/drivers/user.ts';
import type { Workspace } from '../fakes/slack/drivers/workspace.ts';
import { createFakeSlack, type FakeSlack } from '../fakes/slack/fake-slack.ts';
import { textsOf } from '../fakes/slack/rendering.ts';

let dir: string;
let slack: FakeSlack;
let workspace: Workspace;
let runtime: Runtime;
let state: State;
let bot: Bot;
let logs: LogLine[];

/** The whole bot in a workspace, with the real core, the local runtime and the offline model. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shopper-slack-memory-'));
  slack = await createFakeSlack({ app: asInManifest() });
  workspace = slack.addWorkspace('Acme');
  const { token } = workspace.install();
  const loop = createAgentLoop({ model: createOfflineModel() });
  runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop, apiKey: 'key' });
  state = await openSqliteState(join(dir, 'state'));
  logs = [];
  const log = recordingLog(logs);
  const slackAdapter = createSlackAdapter({
    transport: transportOf('socket', slack, await freePort()),
    install: { type: 'token', botToken: token },
    apiUrl: slack.apiUrl,
    linkHosts: [],
    state,
    suggestedPrompts: [],
    log,
    now: slack.clock.now,
    setTimer: (run, ms) => slack.clock.after(ms, run),
  });
  bot = createBot({
    client: new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' }),
    state,
    file: parseAgentFile(
      'name: shopper\nmodel: claude-sonnet-5-5\nsystem: You are a shopper.\n',
      'agent.yml',
    ),
    tools: createCustomTools([]),
    adapters: [slackAdapter],
    notices: undefined,
    limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
    log,
  });
  await bot.start();
});

afterEach(async () => {
  await bot.stop();
  await state.close();
  await runtime.stop();
  await slack.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Until something can be seen; pacing lets time pass meanwhile. */
const until = <T>(look: () => T | undefined | null | false, what: string): Promise<T> =>
  slack.until(() => {
    slack.clock.advance(500);
    return look();
  }, what);

/** Without letting time pass: a window has to be opened within three seconds. */
const inWindow = (user: User, words: string) =>
  slack.until(() => modalText(user).includes(words), `“${words}” in a window`);

/** Says it, and waits for the end of the answer; returns that message. */
async function says(user: User, text: string, channel?: string): Promise<Seen> {
  const posted = channel === undefined ? user.dm(text) : user.mention(channel, text);
  await posted.settled;
  return until(
    () =>
      user
        .sees(posted.channel, posted.ts)
        .find(({ fromApp, blocks }) => fromApp && JSON.stringify(blocks).includes('feedback_buttons')),
    `an answer to “${text}”`,
  );
}

const seenBy = (user: User, words: string, channel = user.dmChannel) =>
  until(() => user.sees(channel).findLast(({ text }) => text.includes(words)), `“${words}”`);
const preferences = (user: User, text = '', channel?: string) =>
  user.command('/preferences', text, channel).outcome;
const modalText = (user: User) => textsOf(user.modal?.blocks).join('\n');

describe('a memory on Slack, with the real core', () => {
  it('is private until a note is shared, and then known in a channel', async () => {
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const general = workspace.addChannel('general', { members: [ann] });
    await says(ann, 'I wear size 9 shoes');
    await seenBy(ann, 'Memory updated');
    const before = await says(ann, 'What is my shoe size?', general.id);
    expect(before.text).toContain("I don't know your sizes yet");
    await preferences(ann, 'share sizes');
    await seenBy(ann, 'used in channels too');
    const after = await says(ann, 'What is my shoe size?', general.id);
    expect(after.text).toMatch(/\b9\b/);
    expect(after.text).not.toContain("don't know");
    await preferences(ann, 'unshare sizes');
    await seenBy(ann, 'used in private only');
  });

  it('goes from one account to another by a code, and both part with a copy', async () => {
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const other = workspace.addUser('ann-at-home', { displayName: 'Ann at home' });
    await says(ann, 'I wear size 9 shoes');
    await seenBy(ann, 'Memory updated');
    await preferences(ann, 'link');
    const code = /preferences link (\S+?)\./.exec((await seenBy(ann, 'ten minutes')).text)?.[1];
    await preferences(other, `link ${code}`);
    await other.press(await seenBy(other, 'Link this account with'), 'memory_link').outcome;
    expect((await seenBy(other, 'Linked with')).text).toContain('shoe size: 9');
    await preferences(ann);
    await seenBy(ann, 'This memory is also yours as');
    await preferences(ann, 'unlink');
    await ann.press(await seenBy(ann, 'Unlink this account from'), 'memory_unlink').outcome;
    await seenBy(ann, 'Unlinked.');
    for (const user of [ann, other]) {
      await preferences(user, 'show sizes');
      await seenBy(user, '- shoe size: 9');
    }
    expect(JSON.stringify(logs)).not.toContain(code);
  });

  it('comes as a file, is undone by a word, and says why an answer is what it is', async () => {
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const answer = await says(ann, 'I wear size 9 shoes');
    await seenBy(ann, 'Memory updated');
    await ann.shortcut(answer, WHY_SHORTCUT).outcome;
    await inWindow(ann, 'Sizes');
    await preferences(ann, 'export');
    await seenBy(ann, 'in our direct messages');
    const file = ann.sees(ann.dmChannel).flatMap(({ message }) => message.files)[0];
    expect(file?.content.toString()).toContain('shoe size: 9');
    await preferences(ann, 'undo');
    await seenBy(ann, 'Undone.');
    await preferences(ann);
    await seenBy(ann, 'Nothing yet.');
  });
});
