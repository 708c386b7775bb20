/** A workspace that the whole bot is in, and people who use what it shows them. */

import { createSlackAdapter } from '../../src/adapters/slack/adapter.ts';
import {
  asInManifest,
  freePort,
  oauthInstall,
  type TransportName,
  transportOf,
} from '../adapters/slack/harness.ts';
import { elementsIn } from '../fakes/slack/drivers/elements.ts';
import type { Seen } from '../fakes/slack/drivers/screen.ts';
import type { User } from '../fakes/slack/drivers/user.ts';
import type { Installed, Workspace } from '../fakes/slack/drivers/workspace.ts';
import { createFakeSlack, type FakeSlack, type FakeSlackOptions } from '../fakes/slack/fake-slack.ts';
import { textsOf } from '../fakes/slack/rendering.ts';
import type { Json } from '../fakes/slack/world.ts';
import type { Platform } from './whole-bot.ts';

/** On a loaded machine a turn takes a while. */
const PATIENCE_MS = 30_000;

export interface OnSlack extends Platform {
  readonly slack: FakeSlack;
  readonly workspace: Workspace;
  readonly installed: Installed;
  /** Where the bot listens: for deliveries over HTTP, and with its installation pages. */
  readonly url: string;
  /** Until something can be seen, without letting time pass: what a person pressed is to be answered in time. */
  sees<T>(look: () => T | undefined | null | false, what: string): Promise<T>;
  /** The same for what is paced: it lets time pass. */
  until<T>(look: () => T | undefined | null | false, what: string): Promise<T>;
  /** Says it, in the DM unless a channel is named, and waits for the end of the answer. */
  says(user: User, text: string, where?: { channel?: string; thread?: string }): Promise<Seen>;
  /** `/preferences` with words; resolves with what it shows to the person alone, which says `words`. */
  preferences(user: User, text: string, words: string, channel?: string): Promise<Seen>;
  /** The newest message with these words. */
  seenBy(user: User, words: string, channel?: string): Promise<Seen>;
  /** Resolves with all that the window says. */
  inWindow(user: User, words: string): Promise<string>;
}

/** `oauth`: people install it by themselves, from its pages. */
export async function openSlack(
  options: { transport?: TransportName; fake?: FakeSlackOptions; oauth?: boolean } = {},
): Promise<OnSlack> {
  const { transport = 'socket', fake } = options;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const slack = await createFakeSlack({
    ...fake,
    app: { ...asInManifest(), redirectUrls: [`${url}/slack/oauth_redirect`], ...fake?.app },
  });
  const workspace = slack.addWorkspace('Acme');
  const installed = workspace.install();
  const install =
    options.oauth === true ? oauthInstall(slack) : ({ type: 'token', botToken: installed.token } as const);

  const sees: OnSlack['sees'] = (look, what) => slack.until(look, what, PATIENCE_MS);
  const until: OnSlack['until'] = (look, what) =>
    sees(() => {
      slack.clock.advance(500);
      return look();
    }, what);
  const withWords = (user: User, words: string, channel = user.dmChannel) =>
    user.sees(channel).filter(({ text }) => text.includes(words));

  return {
    slack,
    workspace,
    installed,
    url,
    async started() {
      if (transport === 'http') await slack.useHttp(`${url}/slack/events`);
    },
    adapter: (state, log) =>
      createSlackAdapter({
        transport: transportOf(transport, slack, port),
        install,
        apiUrl: slack.apiUrl,
        linkHosts: [],
        state,
        suggestedPrompts: [],
        log,
        now: slack.clock.now,
        setTimer: (run, ms) => slack.clock.after(ms, run),
      }),
    stop: () => slack.stop(),
    sees,
    until,
    async says(user, text, where) {
      const writing = where?.thread === undefined ? {} : { threadTs: where.thread };
      const posted =
        where?.channel === undefined ? user.dm(text, writing) : user.mention(where.channel, text, writing);
      await posted.settled;
      return until(
        () =>
          user
            .sees(posted.channel, where?.thread ?? posted.ts)
            .find(
              ({ ts, fromApp, blocks }) =>
                fromApp && ts > posted.ts && JSON.stringify(blocks).includes('feedback_buttons'),
            ),
        `an answer to “${text.slice(0, 60)}”`,
      );
    },
    async preferences(user, text, words, channel) {
      const before = new Set(user.sees(channel ?? user.dmChannel).map(({ ts }) => ts));
      await user.command('/preferences', text, channel).outcome;
      return sees(
        () => withWords(user, words, channel).find(({ ts }) => !before.has(ts)),
        `“${words}” after /preferences ${text}`,
      );
    },
    seenBy: (user, words, channel) => sees(() => withWords(user, words, channel).at(-1), `“${words}”`),
    inWindow: (user, words) =>
      sees(() => {
        const text = windowText(user);
        return text.includes(words) && text;
      }, `“${words}” in a window`),
  };
}

export const windowText = (user: User): string => textsOf(user.modal?.blocks).join('\n');
export const homeText = (user: User): string => textsOf(user.home?.blocks).join('\n');

/**
 * The button with this label, on a surface with several of its kind in or right below the block that says `near`; what
 * to press, for the fake.
 */
export function buttonOf(blocks: unknown, label: string, near = ''): { actionId: string; value: string } {
  const all = Array.isArray(blocks) ? (blocks as Json[]) : [];
  const from = all.findIndex(block => textsOf([block]).join('\n').includes(near));
  for (const { element } of elementsIn(from < 0 ? [] : all.slice(from))) {
    if (textsOf([element])[0] !== label) continue;
    return { actionId: String(element.action_id), value: String(element.value) };
  }
  throw new Error(`no button “${label}” near “${near}” on: ${textsOf(all).join('\n')}`);
}
