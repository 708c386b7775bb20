import { afterEach, describe, expect, it } from 'vitest';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import type { Model } from '../../src/runtime/ports.ts';
import { wordsOf } from '../adapters/contract.ts';
import { TRANSPORTS, type TransportName } from '../adapters/slack/harness.ts';
import type { Seen } from '../fakes/slack/drivers/screen.ts';
import type { User } from '../fakes/slack/drivers/user.ts';
import type { Workspace } from '../fakes/slack/drivers/workspace.ts';
import type { FakeSlack } from '../fakes/slack/fake-slack.ts';
import { AGENT } from '../helpers/bench.ts';
import { createScriptedModel, lastWords } from '../helpers/scripted-model.ts';
import { openSlack } from './on-slack.ts';
import { createWholeBot, type WholeBot } from './whole-bot.ts';

let slack: FakeSlack;
let workspace: Workspace;
let whole: WholeBot;
let url: string;

async function setUp(
  options: { transport?: TransportName; model?: Model; oauth?: boolean; agent?: string } = {},
): Promise<void> {
  const { transport = 'socket', model = createOfflineModel(), oauth = false, agent = AGENT } = options;
  const on = await openSlack({ transport, oauth });
  ({ slack, workspace, url } = on);
  whole = await createWholeBot([on], { model, agent });
}

afterEach(() => whole.stop());

/** The bot's messages in a thread, as somebody reads them. */
function thread(user: User, asked: { channel: string; ts: string }): Seen[] {
  return user.sees(asked.channel, asked.ts).filter(({ fromApp }) => fromApp);
}

const BUTTONS = /^(?:Good answer|Bad answer)$/gm;
/** What is said, without buttons and cards. */
const textOf = (seen: readonly Seen[]) =>
  seen
    .map(({ text }) => text.replace(BUTTONS, '').replaceAll('\u200b', ''))
    .join('\n')
    .trim();

/** Until something can be seen; pacing and rate limits let time pass meanwhile. */
function until<T>(look: () => T | undefined | null | false, what: string): Promise<T> {
  return slack.until(
    () => {
      const found = look();
      if (!found) slack.clock.advance(200);
      return found;
    },
    what,
    20_000,
  );
}

/** The finished reply, which is the message with feedback buttons. */
const replied = (user: User, asked: { channel: string; ts: string }) =>
  until(
    () => thread(user, asked).some(({ blocks }) => blocks.some(({ type }) => type === 'context_actions')),
    'a finished reply',
  );

/** What people said to the agent, session by session. */
async function told(): Promise<string[][]> {
  const sessions: string[][] = [];
  for await (const session of whole.client.beta.sessions.list()) {
    const texts: string[] = [];
    for await (const event of whole.client.beta.sessions.events.list(session.id, {
      types: ['user.message'],
    })) {
      if (event.type !== 'user.message') continue;
      texts.push(event.content.map(block => (block.type === 'text' ? block.text : '')).join('\n'));
    }
    sessions.push(texts);
  }
  return sessions;
}

const times = (texts: readonly string[][], words: string) =>
  texts.flat().filter(text => text.includes(words)).length;

describe.each(TRANSPORTS)('the shopper on Slack, over %s', name => {
  it('answers a DM in its thread, remembers, shows what it noted, undoes it, and /preferences agrees', async () => {
    await setUp({ transport: name });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const first = ann.dm('My budget is $120');
    await replied(ann, first);
    await until(() => thread(ann, first).some(({ text }) => text.includes('Memory updated')), 'the notice');
    const before = await whole.memories();
    expect(Object.values(before).join()).toContain('$120');

    const second = ann.dm('I wear size 9 shoes');
    await replied(ann, second);
    const notice = await until(
      () => thread(ann, second).find(({ text }) => text.includes('+ shoe size: 9')),
      'the notice',
    );
    expect(Object.values(await whole.memories()).join()).toContain('shoe size: 9');
    const cards = thread(ann, second)[0]?.blocks.filter(({ type }) => type === 'task_card') ?? [];
    expect(cards.map(({ title, status }) => `${title} ${status}`)).toContain('Saving your sizes complete');
    expect(JSON.stringify(thread(ann, second).map(({ blocks }) => blocks))).not.toContain('/mnt/');

    await ann.press(notice, 'notice_undo').outcome;
    await until(() => thread(ann, second).some(({ text }) => text.includes('Undone')), 'the undo');
    expect(await whole.memories()).toEqual(before);

    await ann.command('/preferences').outcome;
    const shown = await until(
      () =>
        ann.sees(ann.dmChannel).find(({ ephemeral, text }) => ephemeral && text.includes('What I remember')),
      '/preferences',
    );
    expect(shown.text).toContain('$120');
    expect(shown.text).not.toContain('shoe size');
    expect(whole.logs.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('answers one message once: three deliveries and the mention twin, before and after a restart', async () => {
    await setUp({ transport: name });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const channel = workspace.addChannel('general', { members: [ann] });
    slack.deliveries.copies = 3;
    const asked = ann.mention(channel.id, 'My budget is $120');
    expect(asked.deliveries).toHaveLength(2);
    await replied(ann, asked);
    await whole.halt();
    await whole.start();
    await Promise.all(asked.deliveries.map(delivery => delivery.again({ num: 1, reason: 'http_timeout' })));
    await whole.bot.idle();
    expect(times(await told(), '$120')).toBe(1);
    expect(thread(ann, asked).filter(({ ephemeral }) => !ephemeral)).toHaveLength(1);
  });
});

describe('two people in one thread', () => {
  it('have a session and a memory each, and what one is known by never reaches the other', async () => {
    await setUp();
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const ben = workspace.addUser('ben', { displayName: 'Ben' });
    const secret = ann.dm('My budget is $98765');
    await replied(ann, secret);
    const channel = workspace.addChannel('general', { members: [ann, ben] });
    const asked = ann.mention(channel.id, 'I wear size 9 shoes');
    await replied(ann, asked);
    await until(() => ann.sees(channel.id).some(({ ephemeral }) => ephemeral), 'the private notice');
    slack.clearJournal();

    const bens = ben.mention(channel.id, 'What do you know about me?', { threadTs: asked.ts });
    await until(
      () =>
        thread(ben, asked).filter(({ blocks }) => blocks.some(({ type }) => type === 'context_actions'))
          .length === 2,
      'the answer to Ben',
    );
    await bens.settled;
    await whole.bot.idle();
    const calls = JSON.stringify(slack.calls().map(({ args }) => args));
    expect(calls).not.toContain('98765');
    expect(calls).not.toMatch(/shoe size/);
    expect(JSON.stringify(thread(ben, asked))).not.toContain('98765');

    const stores = new Map<string, string[]>();
    for await (const session of whole.client.beta.sessions.list()) {
      const person = session.metadata.person ?? '';
      const mounted = session.resources.flatMap(it =>
        it.type === 'memory_store' ? [it.memory_store_id] : [],
      );
      stores.set(person, [...(stores.get(person) ?? []), ...mounted]);
    }
    expect(new Set(stores.get(ben.id)).size).toBe(1);
    expect(stores.get(ann.id)).not.toContain(stores.get(ben.id)?.[0]);
    const toBen = (await told()).filter(texts =>
      texts.some(text => text.includes('What do you know about me?')),
    );
    expect(JSON.stringify(toBen)).not.toContain('98765');
    // What Ann said in the thread is passed on as her words, not as Ben's.
    expect(JSON.stringify(toBen)).toContain('I wear size 9 shoes');
    expect(JSON.stringify(toBen)).toContain('Ann');
  });
});

describe('a long reply', () => {
  it('of 60,000 characters with code and tables arrives whole and in order', async () => {
    const pieces = LONG.match(/[\s\S]{1,300}/g) ?? [];
    await setUp({ model: createScriptedModel(() => ({ text: pieces })) });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const asked = ann.dm('Tell me everything');
    await replied(ann, asked);
    await whole.bot.idle();
    const head = '| Boot | Price |\n| --- | ---: |\n';
    const [first = '', ...rest] = textOf(thread(ann, asked)).split(head);
    expect(wordsOf([first, head, ...rest].join('')) === wordsOf(LONG)).toBe(true);
    expect(slack.rates.limited()).toBe(0);
  });
});

describe('the native stop button', () => {
  it('stops the turn within half a second and leaves the conversation usable', async () => {
    const model = createScriptedModel(request =>
      lastWords(request).includes('story')
        ? { text: ['Once upon a time ', 'there was'], hold: new Promise(() => {}) }
        : { text: ['Glad to help.'] },
    );
    await setUp({ model });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const asked = ann.dm('Tell me a story');
    await until(() => textOf(thread(ann, asked)).includes('Once upon'), 'the beginning');
    ann.stop(asked.channel, asked.ts);
    const interrupted = async () => {
      for await (const session of whole.client.beta.sessions.list()) {
        for await (const event of whole.client.beta.sessions.events.list(session.id, {
          types: ['user.interrupt'],
        })) {
          if (event.type === 'user.interrupt') return true;
        }
      }
      return false;
    };
    while (!(await interrupted()));
    await until(() => textOf(thread(ann, asked)).endsWith('Stopped.'), 'the end');
    const again = ann.dm('Thanks', { threadTs: asked.ts });
    await again.settled;
    await until(() => textOf(thread(ann, asked)).includes('Glad to help.'), 'the next answer');
  });
});

describe('a tool that is to be asked about', () => {
  it('is used after a yes, and not after a no', async () => {
    await setUp({ agent: `${AGENT}tools: {write: ask, edit: ask}\n` });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    for (const [words, button] of [
      ['My budget is $80', 'ask_deny'],
      ['I wear size 9 shoes', 'ask_allow'],
    ] as const) {
      const asked = ann.dm(words);
      const question = await until(
        () => thread(ann, asked).find(({ text }) => text.includes('May I do this')),
        'the question',
      );
      await ann.press(question, button).outcome;
      await replied(ann, asked);
    }
    await whole.bot.idle();
    const kept = Object.values(await whole.memories()).join();
    expect(kept).toContain('shoe size: 9');
    expect(kept).not.toContain('$80');
  });
});

/** A model that says the second half of its answer when it is released. */
function twoHalves(): { model: Model; release(): void } {
  let resolve = () => {};
  const model = createScriptedModel(() => ({
    text: ['The first half. ', 'The second half.'],
    hold: new Promise<void>(done => {
      resolve = done;
    }),
  }));
  return { model, release: () => resolve() };
}

describe('a process that dies', () => {
  it('in the middle of a reply is followed by one that ends the same reply', async () => {
    const { model, release } = twoHalves();
    await setUp({ model });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const asked = ann.dm('Hello');
    await until(() => textOf(thread(ann, asked)).includes('The first half.'), 'the first half');
    await whole.halt('abandon');
    await whole.start();
    release();
    await until(() => textOf(thread(ann, asked)) === 'The first half. The second half.', 'the whole reply');
    await whole.bot.idle();
    expect(thread(ann, asked)).toHaveLength(1);
    expect(times(await told(), 'Hello')).toBe(1);
  });

  it('before it knows that its first words are there is followed by one that finds them', async () => {
    const { model, release } = twoHalves();
    await setUp({ model });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    slack.fail('chat.startStream', { type: 'drop', when: 'after' });
    const asked = ann.dm('Hello');
    await slack.until(() => textOf(thread(ann, asked)).includes('The first half.'), 'the first half');
    await whole.halt('abandon');
    slack.clearJournal();
    await whole.start();
    release();
    await until(() => textOf(thread(ann, asked)) === 'The first half. The second half.', 'the whole reply');
    await whole.bot.idle();
    expect(thread(ann, asked)).toHaveLength(1);
    expect(slack.calls('chat.startStream')).toEqual([]);
  });
});

describe('two workspaces through OAuth', () => {
  it('are each answered with their own token, and leave nothing behind', async () => {
    await setUp({ oauth: true });
    workspace.uninstall();
    const [red, blue] = [slack.addWorkspace('Red'), slack.addWorkspace('Blue')];
    const [ann, bob] = [red.addUser('ann'), blue.addUser('bob')];
    await install(red, ann);
    await install(blue, bob);
    slack.clearJournal();
    for (const [user, team] of [
      [ann, red],
      [bob, blue],
    ] as const) {
      const asked = user.dm(`My budget is $${team === red ? 111 : 222}`);
      await replied(user, asked);
      await whole.bot.idle();
    }
    for (const { method, team, args } of slack.calls()) {
      if (team === undefined) continue;
      const theirs = team === red.id ? [ann.dmChannel, ann.id] : [bob.dmChannel, bob.id];
      const target = args.channel ?? args.channel_id ?? args.user ?? args.user_id ?? theirs[0];
      expect(theirs, `${method} with the token of ${team}`).toContain(target);
    }
    await Promise.all(red.uninstall().map(({ settled }) => settled));
    await until(() => whole.logs.some(({ event }) => event === 'slack.uninstalled'), 'the removal');
    for (const table of ['slack-installation', 'slack-heard', 'slack-edit']) {
      for await (const [key] of whole.state.table(table).entries()) expect(key).not.toContain(red.id);
    }
  });

  it('may leave in the middle of an answer, of which nothing is tried again', async () => {
    const { model, release } = twoHalves();
    await setUp({ oauth: true, model });
    workspace.uninstall();
    const red = slack.addWorkspace('Red');
    const ann = red.addUser('ann');
    await install(red, ann);
    const asked = ann.dm('Tell me');
    await until(() => textOf(thread(ann, asked)).includes('The first half'), 'the beginning');
    await Promise.all(red.uninstall().map(({ settled }) => settled));
    await until(() => whole.logs.some(({ event }) => event === 'slack.uninstalled'), 'the removal');
    release();
    await whole.bot.idle();
    expect(whole.logs.map(({ event }) => event)).toContain('slack.reply_undeliverable');
    for await (const [key] of whole.state.table('inbox').entries()) expect(key).toBe('nothing waits');
  });

  async function install(team: Workspace, user: User): Promise<void> {
    slack.approve({ workspace: team, user });
    const page = await fetch(`${url}/slack/install`);
    const cookie = (page.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const consent = /href="([^"]*oauth\/v2\/authorize[^"]*)"/.exec(await page.text())?.[1] ?? '';
    const allowed = await fetch(consent.replaceAll('&amp;', '&'), { redirect: 'manual' });
    await fetch(allowed.headers.get('location') ?? '', { headers: { cookie } });
  }
});

const LONG = [
  ...Array.from({ length: 60 }, (_, n) => `Paragraph ${n}. ${'Some plain words about boots. '.repeat(20)}`),
  `\`\`\`ts\n${'const boots = "green"; // warm\n'.repeat(500)}\`\`\``,
  `| Boot | Price |\n| --- | ---: |\n${Array.from({ length: 500 }, (_, n) => `| Boot number ${n} | $${n} |`).join('\n')}`,
  'The end.',
].join('\n\n');
