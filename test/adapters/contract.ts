import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChatAdapter, Question } from '../../src/core/adapter.ts';
import { conversationKey, type Message } from '../../src/core/message.ts';
import type { Notice } from '../../src/core/views.ts';
import { done, keeper, memoryView, reply, type ScriptedBot, speak } from './scripted-bot.ts';

export type Somebody = 'ann' | 'ben';
/** Where a person writes to the bot: to it alone, or where others read along. */
export type Where = 'private' | 'shared';

/** A message of the bot as one person reads it. */
export interface Visible {
  id: string;
  /** As shown, without what a platform adds for safety (invisible characters, escapes). */
  text: string;
  /** Nobody else sees it. */
  onlyThem: boolean;
  buttons: readonly string[];
}

/** What somebody wrote, for later changes to it. */
export type Sent = unknown;

/** A platform with two people on it, and an adapter that is started with a scripted bot. */
export interface ContractHarness {
  readonly adapter: ChatAdapter;
  readonly bot: ScriptedBot;
  /** Resolves when the platform has delivered it; `after`: in the same conversation as that message. */
  write(who: Somebody, where: Where, text: string, after?: Message): Promise<Sent>;
  edit(sent: Sent, text: string): Promise<void>;
  remove(sent: Sent): Promise<void>;
  /** Delivers once more what was delivered before, as platforms do after a lost acknowledgement. */
  deliverAgain(sent: Sent): Promise<void>;
  /** Whatever goes on there that is not a person speaking to the bot: joins, other bots, its own messages, chatter. */
  noise(): Promise<void>;
  /** Whether a person can see that the bot is at work on this message. */
  isAtWork(message: Message): boolean;
  /** The bot's messages in the conversation of `message`, oldest first, as `who` sees them. */
  sees(who: Somebody, message: Message): readonly Visible[];
  /** Resolves when the bot has taken it up. */
  press(who: Somebody, on: Visible, button: string): Promise<void>;
  /** True where a question in a shared place stands before everybody, without what it is about. */
  readonly othersSeeQuestions: boolean;
  /** Asks what exactly a question is about, on platforms that cannot show that to one person unasked. */
  reveal?(who: Somebody, on: Visible): Promise<void>;
  /** How the platform writes what it has no form for, e.g. a table; absent: everything as it is. */
  dialect?(text: string): string;
  /** The platform's own way to stop a reply, where it has one. */
  stopReply?(message: Message): Promise<void>;
  /** Resolves with the first truthy value. */
  until<T>(look: () => T | undefined | null | false, what: string): Promise<T>;
  /** Lets as much time pass as pacing and rate limits may take. */
  pass(): void;
  /** Another process on the same state: new adapter, and a bot that knows what the earlier one knew. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** What every adapter does for the core, whatever the platform. */
export function adapterContract(name: string, create: () => Promise<ContractHarness>): void {
  describe(`${name} as an adapter`, () => {
    let it_: ContractHarness;
    beforeEach(async () => {
      it_ = await create();
    });
    afterEach(() => it_.stop());

    /** Somebody writes, and the bot has the message. */
    async function asked(who: Somebody, where: Where, text = 'Hello'): Promise<Message> {
      const before = it_.bot.received.length;
      await it_.write(who, where, text);
      return it_.until(() => it_.bot.received[before], 'the message at the bot');
    }

    /** Opens a reply, has it written, and closes it. */
    async function answer(message: Message, text: string, pieces = 1): Promise<void> {
      const sink = it_.adapter.openReply(message, null, keeper().save);
      await whilePassing(speak(sink, text, pieces));
      sink.close();
    }

    async function whilePassing<T>(work: Promise<T>): Promise<T> {
      let over = false;
      const result = work.finally(() => {
        over = true;
      });
      while (!over) {
        await Promise.race([result.catch(() => {}), new Promise(resolve => setTimeout(resolve, 5))]);
        if (!over) it_.pass();
      }
      return result;
    }

    const textOf = (who: Somebody, message: Message) =>
      it_
        .sees(who, message)
        .map(({ text }) => text)
        .join('\n');

    describe('messages', () => {
      it.each(['private', 'shared'] as const)('brings what a person says in a %s place', async where => {
        const message = await asked('ann', where, 'I like <b> & "green" — 5 > 3');
        expect(message.text).toBe('I like <b> & "green" — 5 > 3');
        expect(message.conversation).toMatchObject({
          audience: where,
          person: { platform: it_.adapter.platform, name: 'Ann' },
        });
        expect(message.context).toEqual([]);
      });

      it('tells two people in one place apart', async () => {
        const first = await asked('ann', 'shared');
        const second = await asked('ben', 'shared');
        expect(second.conversation.person).not.toEqual(first.conversation.person);
      });

      it('takes one delivery once, however often it comes, also in a later process', async () => {
        const sent = await it_.write('ann', 'shared', 'Hello');
        await it_.until(() => it_.bot.received[0], 'the message');
        await it_.deliverAgain(sent);
        await it_.deliverAgain(sent);
        expect(it_.bot.received).toHaveLength(1);
        await it_.restart();
        await it_.deliverAgain(sent);
        expect(it_.bot.received).toEqual([]);
      });

      it('leaves alone what is no person speaking to the bot', async () => {
        const message = await asked('ann', 'shared');
        await answer(message, 'Hello Ann');
        await it_.noise();
        expect(it_.bot.received).toHaveLength(1);
      });

      it('takes back what is edited while it is answered, and brings the new wording', async () => {
        const sent = await it_.write('ann', 'private', 'Hello');
        const first = await it_.until(() => it_.bot.received[0], 'the message');
        it_.bot.withdrawAnswer = 'running';
        await it_.edit(sent, 'Good evening');
        const second = await it_.until(() => it_.bot.received[1], 'the new wording');
        expect(it_.bot.withdrawn.map(({ messageId }) => messageId)).toContain(first.id);
        expect(second.text).toBe('Good evening');
        expect(second.id).not.toBe(first.id);
        expect(second.conversation).toEqual(first.conversation);
      });

      it('does not answer an edit of what was answered before', async () => {
        const sent = await it_.write('ann', 'private', 'Hello');
        await it_.until(() => it_.bot.received[0], 'the message');
        it_.bot.withdrawAnswer = 'answered';
        await it_.edit(sent, 'Good evening');
        await it_.noise();
        expect(it_.bot.received).toHaveLength(1);
      });

      it('takes back what is deleted', async () => {
        const sent = await it_.write('ann', 'private', 'Hello');
        const message = await it_.until(() => it_.bot.received[0], 'the message');
        await it_.remove(sent);
        await it_.until(() => it_.bot.withdrawn[0], 'the withdrawal');
        const [withdrawn] = it_.bot.withdrawn;
        expect(withdrawn?.messageId).toBe(message.id);
        expect(withdrawn && conversationKey(withdrawn.conversation)).toBe(
          conversationKey(message.conversation),
        );
        expect(it_.bot.received).toHaveLength(1);
      });
    });

    describe('replies', () => {
      it('shows that work has begun before there is anything to say', async () => {
        const message = await asked('ann', 'private');
        const sink = it_.adapter.openReply(message, null, keeper().save);
        await it_.until(() => it_.isAtWork(message), 'a sign of work');
        expect(it_.sees('ann', message)).toEqual([]);
        sink.close();
      });

      it.each(TEXTS)('shows what the agent said: %s', async (_, text) => {
        const message = await asked('ann', 'private');
        await answer(message, text, 4);
        const expected = it_.dialect?.(text) ?? text;
        expect(wordsOf(textOf('ann', message))).toEqual(wordsOf(expected));
        expect(linesLost(expected, textOf('ann', message))).toEqual([]);
      });

      it('keeps up with a fast speaker by writing only the newest', async () => {
        const message = await asked('ann', 'shared');
        const text = Array.from({ length: 200 }, (_, n) => `word${n}`).join(' ');
        await answer(message, text, 200);
        expect(wordsOf(textOf('ann', message))).toEqual(wordsOf(text));
        expect(it_.sees('ann', message)).toHaveLength(1);
      });

      it('shows text while it grows', async () => {
        const message = await asked('ann', 'private');
        const sink = it_.adapter.openReply(message, null, keeper().save);
        sink.show(reply('The first words are here. '));
        await it_.until(() => textOf('ann', message).includes('first words'), 'the first words');
        sink.show(reply('The first words are here. And then more follow. '));
        it_.pass();
        await it_.until(() => textOf('ann', message).includes('more follow'), 'more words');
        await whilePassing(sink.finish(done('The first words are here. And then more follow. The end.')));
        sink.close();
        expect(wordsOf(textOf('ann', message))).toEqual(
          wordsOf('The first words are here. And then more follow. The end.'),
        );
      });

      it('shows the final text when it is not what the text was going to be', async () => {
        const message = await asked('ann', 'private');
        const sink = it_.adapter.openReply(message, null, keeper().save);
        sink.show(reply('I would say that these '));
        await it_.until(() => textOf('ann', message).includes('I would say'), 'the first words');
        await whilePassing(sink.finish(done('Something else altogether.')));
        sink.close();
        expect(wordsOf(textOf('ann', message))).toEqual(wordsOf('Something else altogether.'));
      });

      it('goes on with the same reply in a later process', async () => {
        const message = await asked('ann', 'private');
        const kept = keeper();
        const first = it_.adapter.openReply(message, kept.handle, kept.save);
        first.show(reply('Here is what I found so far. '));
        await it_.until(() => textOf('ann', message).includes('found so far'), 'the first words');
        await it_.until(() => kept.handle !== null, 'what is to be kept');
        first.close();
        await it_.restart();
        const second = it_.adapter.openReply(message, kept.handle, kept.save);
        await whilePassing(second.finish(done('Here is what I found so far. And this is the rest.')));
        second.close();
        expect(it_.sees('ann', message)).toHaveLength(1);
        expect(wordsOf(textOf('ann', message))).toEqual(
          wordsOf('Here is what I found so far. And this is the rest.'),
        );
      });

      it('posts a finished reply once, also when a later process finishes it again', async () => {
        const message = await asked('ann', 'private');
        const kept = keeper();
        const text = `${'A line of the long answer.\n'.repeat(600)}The end.`;
        const first = it_.adapter.openReply(message, kept.handle, kept.save);
        await whilePassing(first.finish(done(text)));
        first.close();
        const before = it_.sees('ann', message).map(({ id, text }) => [id, wordsOf(text)]);
        await it_.restart();
        const second = it_.adapter.openReply(message, kept.handle, kept.save);
        await whilePassing(second.finish(done(text)));
        second.close();
        expect(it_.sees('ann', message).map(({ id, text }) => [id, wordsOf(text)])).toEqual(before);
      });

      it('passes on that the person stopped the reply', async () => {
        if (it_.stopReply === undefined) return;
        const message = await asked('ann', 'private');
        const sink = it_.adapter.openReply(message, null, keeper().save);
        sink.show(reply('A long story begins here. '));
        await it_.until(() => textOf('ann', message).includes('begins here'), 'the first words');
        await it_.stopReply(message);
        await it_.until(() => it_.bot.interrupted[0], 'the interruption');
        await whilePassing(sink.finish(reply('A long story begins here.\n\nStopped.', { state: 'stopped' })));
        sink.close();
        expect(wordsOf(textOf('ann', message))).toEqual(wordsOf('A long story begins here. Stopped.'));
      });
    });

    describe('questions', () => {
      const question: Question = {
        id: 'q1',
        text: 'May I do this: searching the web?',
        detail: 'green boots',
      };

      /** A question in a shared place, as soon as Ann can answer it. */
      async function pending(signal = new AbortController().signal) {
        const message = await asked('ann', 'shared');
        const sink = it_.adapter.openReply(message, null, keeper().save);
        const answer_ = sink.ask(question, signal);
        const shown = await it_.until(
          () => it_.sees('ann', message).find(({ buttons }) => buttons.length >= 2),
          'the question',
        );
        return { message, sink, answer_, shown, yes: shown.buttons[0] ?? '', no: shown.buttons[1] ?? '' };
      }

      it('brings a yes', async () => {
        const { answer_, shown, yes, sink, message } = await pending();
        expect(shown.text).toContain('searching the web');
        await it_.reveal?.('ann', shown);
        await it_.until(() => textOf('ann', message).includes('green boots'), 'what it is about');
        await it_.press('ann', shown, yes);
        expect(await answer_).toBe(true);
        await it_.until(
          () => it_.sees('ann', message).every(({ buttons }) => buttons.length === 0),
          'the buttons gone',
        );
        sink.close();
      });

      it('brings a no', async () => {
        const { answer_, shown, no, sink } = await pending();
        await it_.press('ann', shown, no);
        expect(await answer_).toBe(false);
        sink.close();
      });

      it('takes silence for a no', async () => {
        const limit = new AbortController();
        const { answer_, message, sink } = await pending(limit.signal);
        limit.abort(new Error('no answer in time'));
        expect(await answer_).toBe(false);
        await it_.until(
          () => it_.sees('ann', message).every(({ buttons }) => buttons.length === 0),
          'the buttons gone',
        );
        sink.close();
      });

      it('is asked on by the next process where it stands, without a verdict in between', async () => {
        const message = await asked('ann', 'shared');
        const kept = keeper();
        const leaving = new AbortController();
        const first = it_.adapter.openReply(message, kept.handle, kept.save);
        const given = first.ask(question, leaving.signal);
        const questions = () =>
          it_.sees('ann', message).filter(({ text }) => text.includes('searching the web'));
        await it_.until(() => questions()[0], 'the question');
        await it_.restart();
        leaving.abort(new Error('shutting down'));
        expect(await given).toBe(false);
        first.close();
        const second = it_.adapter.openReply(message, kept.handle, kept.save);
        const answer_ = second.ask(question, new AbortController().signal);
        // Until the next process asks it, nobody waits for the answer.
        const answers: boolean[] = [];
        void answer_.then(allowed => answers.push(allowed));
        const turnedAway = () => it_.sees('ann', message).filter(({ onlyThem }) => onlyThem).length;
        while (answers.length === 0) {
          const before = turnedAway();
          const [shown] = questions();
          if (shown?.buttons[0] !== undefined) await it_.press('ann', shown, shown.buttons[0]);
          await it_.until(() => answers.length > 0 || turnedAway() > before, 'what became of the press');
        }
        expect(await answer_).toBe(true);
        await it_.until(() => questions().every(({ buttons }) => buttons.length === 0), 'the buttons gone');
        expect(questions()).toHaveLength(1);
        expect(questions()[0]?.text).not.toContain('No answer');
        second.close();
      });

      it('lets nobody else answer, and shows nobody else what it is about', async () => {
        const { answer_, message, yes, no, shown, sink } = await pending();
        const theirs = it_.sees('ben', message).find(({ id }) => id === shown.id);
        expect(theirs !== undefined).toBe(it_.othersSeeQuestions);
        expect(textOf('ben', message)).not.toContain('green boots');
        // Would it count, it would be a no.
        if (theirs !== undefined) await it_.press('ben', theirs, no);
        await it_.press('ann', shown, yes);
        expect(await answer_).toBe(true);
        sink.close();
      });
    });

    describe('notices', () => {
      const notice: Notice = {
        id: 'n1',
        changes: [
          {
            memoryId: 'mem_1',
            path: '/sizes.md',
            operation: 'modified',
            lines: [
              { type: 'added', text: 'shoe size: 9' },
              { type: 'changed', label: 'budget', from: '$80', to: '$120' },
            ],
          },
        ],
      };

      it.each(['private', 'shared'] as const)('shows what changed below the reply, %s', async where => {
        const message = await asked('ann', where);
        await answer(message, 'Noted.');
        await whilePassing(it_.adapter.notify(message, notice, 'thread'));
        const shown = it_.sees('ann', message).at(-1);
        expect(shown?.text).toContain('+ shoe size: 9');
        expect(shown?.text).toContain('~ budget: $80 → $120');
        if (where === 'shared') expect(textOf('ben', message)).toContain('+ shoe size: 9');
      });

      it('keeps a private notice from everybody else', async () => {
        const message = await asked('ann', 'shared');
        await answer(message, 'Noted.');
        await whilePassing(it_.adapter.notify(message, notice, 'private'));
        expect(textOf('ben', message)).toContain('Noted.');
        expect(textOf('ben', message)).not.toContain('shoe size');
      });

      it('undoes a change for the person it is about', async () => {
        it_.bot.onCommand = ({ action }) =>
          action.type === 'undo'
            ? { type: 'outcome', ok: true, sentence: 'Undone. All is as before.' }
            : memoryView();
        const message = await asked('ann', 'private');
        await answer(message, 'Noted.');
        await whilePassing(it_.adapter.notify(message, notice, 'thread'));
        const shown = await it_.until(
          () => it_.sees('ann', message).find(({ buttons }) => buttons.includes('Undo')),
          'the notice',
        );
        await it_.press('ann', shown, 'Undo');
        await it_.until(() => textOf('ann', message).includes('All is as before'), 'the outcome');
        const undo = it_.bot.commands.find(({ action }) => action.type === 'undo');
        expect(undo).toEqual({
          person: message.conversation.person,
          action: { type: 'undo', noticeId: 'n1' },
        });
      });
    });

    it('stops once, however often it is told to', async () => {
      await it_.adapter.stop();
      await it_.adapter.stop();
    });
  });
}

const LONG = Array.from(
  { length: 450 },
  (_, n) => `Paragraph ${n}: ${'many plain words about boots '.repeat(1 + (n % 7))}and so on.`,
).join('\n\n');

const TEXTS: [string, string][] = [
  ['one word', 'Yes'],
  ['a list', 'Three things:\n\n1. boots\n2. a coat\n   - green\n   - warm\n3. gloves\n\nThat is all.'],
  ['a table', 'Here:\n\n| Boot | Price |\n| --- | ---: |\n| Elm | $90 |\n| Oak | $120 |\n\nWhich one?'],
  ['code', 'Try this:\n\n```ts\nconst a = "<b>" && `x`;\n```\n\nand `inline` too.'],
  [
    'other scripts',
    `${'緑のブーツ、とても暖かい。'.repeat(400)}\n\n${'Σκούφος και γάντια. '.repeat(100)}👟🧤👩‍👩‍👧`,
  ],
  ['one enormous word', 'x'.repeat(15_000)],
  [
    'a long code block',
    `Here it is:\n\n\`\`\`ts\n${'const boots = "green"; // warm\n'.repeat(700)}\`\`\`\n\nDone.`,
  ],
  ['60,000 characters', LONG.slice(0, 60_000).trimEnd()],
  ['odd characters', 'a & b < c > d; 100 % "sure"? `a|b` \\o/ {x} $y #z ~t ^u @nobody *star*'],
];

/** What is read, in order: fences and tables may be closed and opened again, spaces at a cut may go. */
export function wordsOf(text: string): string {
  return text
    .split('\n')
    .filter(line => !/^\s*(?:```|~~~)/.test(line))
    .join('')
    .replace(/\s+/g, '');
}

/** Lines of the source that cannot be found, in their order, in what was posted. */
function linesLost(source: string, shown: string): string[] {
  if (/\S{2000}/.test(source)) return [];
  const flat = shown.replace(/\s+/g, ' ');
  let at = 0;
  return source.split('\n').filter(line => {
    const words = line.trim().replace(/\s+/g, ' ');
    if (words === '' || words.startsWith('```') || words.length > 2_000) return false;
    const found = flat.indexOf(words, at);
    if (found === -1) return true;
    at = found + words.length;
    return false;
  });
}
