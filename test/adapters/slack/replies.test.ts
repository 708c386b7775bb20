import { afterEach, describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../src/adapters/slack/reply/find-posted.ts';
import type { ReplySink } from '../../../src/core/adapter.ts';
import type { Message } from '../../../src/core/message.ts';
import type { Seen } from '../../fakes/slack/drivers/screen.ts';
import type { FakeSlackOptions } from '../../fakes/slack/fake-slack.ts';
import { noRequests } from '../../helpers/requests.ts';
import { wordsOf } from '../contract.ts';
import { done, keeper, reply, speak } from '../scripted-bot.ts';
import { createWorld, type World, type WorldOptions } from './harness.ts';

let world: World;
afterEach(() => world.stop());

async function setUp(fake: FakeSlackOptions = {}, options: WorldOptions = {}): Promise<void> {
  world = await createWorld({ fake, ...options });
}

/** Ann asks in her DM, or in a channel. */
async function ask(channel?: string): Promise<Message> {
  const posted = channel === undefined ? world.ann.dm('Hello') : world.ann.mention(channel, 'Hello');
  const before = world.bot.received.length;
  await posted.settled;
  return world.bot.received[before] ?? world.received(before + 1);
}

function shown(message: Message, who = world.ann): Seen[] {
  const { channel, thread } = message.conversation;
  return who.sees(channel, thread ?? '').filter(({ fromApp }) => fromApp);
}

/** Compared without printing either: some are long. */
const sameWords = (shownText: string, text: string) => wordsOf(shownText) === wordsOf(text);

const BUTTONS = /^(?:Good answer|Bad answer)$/gm;
const textOf = (seen: readonly Seen[]) =>
  seen.map(({ text }) => text.replace(BUTTONS, '').replaceAll('\u200b', '')).join('\n');

/** Until the work is done, time passes whenever no call is on its way: what is sent in a minute arrives in it. */
async function finish(work: Promise<unknown>, stepMs = 1_000): Promise<void> {
  let over = false;
  const settled = work.finally(() => {
    over = true;
  });
  settled.catch(() => {});
  while (!over) {
    await noRequests();
    if (!over) world.slack.clock.advance(stepMs);
  }
  await settled;
}

/** Until a text can be read, time passing meanwhile. */
async function says(message: Message, text: string): Promise<void> {
  await world.slack.until(() => {
    if (sameWords(textOf(shown(message)), text)) return true;
    world.slack.clock.advance(100);
    return false;
  }, 'the text so far');
}

const calls = (method: string) => world.slack.calls(method);
const answered = (method: string, count = 1) =>
  world.slack.until(
    () => calls(method).filter(({ status }) => status !== undefined).length >= count,
    `${count} × ${method}`,
  );

describe('a streamed reply', () => {
  it('starts with the first words and is one message of its thread', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('Let me '));
    await answered('chat.startStream');
    expect(textOf(shown(message))).toBe('Let me ');
    expect(shown(message)[0]?.streaming).toBe(true);
    await finish(sink.finish(done('Let me see. Here.')));
    sink.close();
    expect(shown(message)).toMatchObject([{ streaming: false, threadTs: message.conversation.thread }]);
    expect(textOf(shown(message)).trim()).toBe('Let me see. Here.');
  });

  it('shows the first words at once, however lately it showed what it was doing', async () => {
    // What has to wait waits for ever.
    await setUp({}, { adapter: { setTimer: () => () => {} } });
    const sink = world.open(await ask());
    sink.show({ ...reply(''), status: 'Checking your preferences' });
    await answered('assistant.threads.setStatus', 2);
    sink.show(reply('Let me '));
    await answered('chat.startStream');
    sink.close();
  });

  it('names its reader and their workspace outside of DMs, on Slack Connect too', async () => {
    await setUp();
    const other = world.slack.addWorkspace('Partner');
    const guest = other.addUser('gus');
    const channel = world.workspace.addChannel('shared', { members: [world.ann], sharedWith: [other] });
    channel.add(guest);
    const posted = guest.mention(channel.id, 'Hello');
    await posted.settled;
    const message = await world.received();
    expect(message.conversation.person.workspace).toBe(other.id);
    const sink = world.open(message);
    sink.show(reply('Welcome '));
    await answered('chat.startStream');
    expect(calls('chat.startStream')[0]?.args).toMatchObject({
      recipient_user_id: guest.id,
      recipient_team_id: other.id,
    });
    await finish(sink.finish(done('Welcome to the shop.')));
    sink.close();
    expect(world.logs.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it('shows tool use as cards, in words, that end with the reply', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    const checking = { id: 't1', label: 'Checking your preferences' };
    const saving = { id: 't2', label: 'Saving your sizes' };
    sink.show(reply('', { status: checking.label, activities: [{ ...checking, state: 'running' }] }));
    await answered('chat.startStream');
    expect(shown(message)[0]?.tasks).toMatchObject([{ title: checking.label, status: 'in_progress' }]);
    sink.show(
      reply('Noted. ', {
        activities: [
          { ...checking, state: 'done' },
          { ...saving, state: 'running' },
        ],
      }),
    );
    world.slack.clock.advance(1_000);
    await answered('chat.appendStream');
    await finish(
      sink.finish(
        done('Noted. Bye.', {
          activities: [
            { ...checking, state: 'done' },
            { ...saving, state: 'failed' },
          ],
        }),
      ),
    );
    sink.close();
    expect(shown(message)).toHaveLength(1);
    expect(shown(message)[0]?.tasks).toMatchObject([
      { title: checking.label, status: 'complete' },
      { title: saving.label, status: 'error' },
    ]);
    expect(textOf(shown(message)).trim()).toBe('Noted. Bye.');
  });

  it('offers feedback under a finished answer, and thanks for it', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('Here '));
    await answered('chat.startStream');
    await finish(sink.finish(done('Here you are.')));
    sink.close();
    const [answer] = shown(message);
    if (answer === undefined) throw new Error('no answer');
    await world.ann.feedback(answer, 'negative').outcome;
    await world.slack.until(() =>
      shown(message).some(({ ephemeral, text }) => ephemeral && text.startsWith('Thank you.')),
    );
    const noted = world.logs.find(({ event }) => event === 'slack.feedback');
    expect(noted?.fields).toMatchObject({ verdict: 'bad', message: message.id });
  });

  it('goes on in a second message before Slack ends the first', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    let text = '';
    for (let part = 0; part < 30; part += 1) {
      text += `Part ${part} of the story. `;
      sink.show(reply(text));
      await says(message, text);
      world.slack.clock.advance(20_000);
    }
    await finish(sink.finish(done(`${text}The end.`)));
    sink.close();
    expect(wordsOf(textOf(shown(message)))).toBe(wordsOf(`${text}The end.`));
    expect(shown(message).length).toBeGreaterThan(1);
    const refused = world.slack
      .calls()
      .filter(({ response }) => JSON.stringify(response)?.includes('not_in_streaming_state'));
    expect(refused).toEqual([]);
  });

  it('goes on in another message when Slack has ended the stream after all', async () => {
    await setUp({ limits: { streamLifetimeMs: 60_000 } });
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('Once upon a time. '));
    await answered('chat.startStream');
    world.slack.clock.advance(90_000);
    sink.show(reply('Once upon a time. There was a boot. '));
    await answered('chat.startStream', 2);
    await finish(sink.finish(done('Once upon a time. There was a boot. The end.')));
    sink.close();
    expect(wordsOf(textOf(shown(message)))).toBe(wordsOf('Once upon a time. There was a boot. The end.'));
    expect(shown(message).every(({ streaming }) => !streaming)).toBe(true);
  });

  it('goes on when its message is deleted under it', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('First part. '));
    await answered('chat.startStream');
    world.slack.fail('chat.appendStream', { type: 'error', error: 'message_not_found' });
    world.slack.fail('chat.stopStream', { type: 'error', error: 'message_not_found' });
    await finish(sink.finish(done('First part. Second part.')));
    sink.close();
    expect(wordsOf(textOf(shown(message)))).toBe(wordsOf('First part. Second part.'));
  });

  it('says nothing twice when Slack closes it while closing it has to wait for its turn', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('One. '));
    await answered('chat.startStream');
    // So many others end at once that there is no call left for this one.
    world.slack.clock.advance(60_000);
    const others: ReplySink[] = [];
    for (let other = 0; other < 7; other += 1) {
      const open = world.open(await ask());
      open.show(reply('Words. '));
      others.push(open);
      await answered('chat.startStream', other + 2);
    }
    await finish(Promise.all(others.map(other => other.finish(done('Words. More.')))), 10);
    world.slack.fail('chat.stopStream', { type: 'error', error: 'message_not_in_streaming_state' });
    await finish(sink.finish(done('One. Two.')), 10);
    for (const open of [sink, ...others]) open.close();
    expect(calls('chat.appendStream')).toHaveLength(1);
    expect(wordsOf(textOf(shown(message)))).toBe(wordsOf('One. Two.'));
  });

  it('needs no more than Slack’s own limits for a long one', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    const text = LONG;
    expect(text.length).toBeGreaterThan(60_000);
    await finish(speak(sink, text, 60), 500);
    sink.close();
    // A table that goes on in another message has its head there again.
    const head = '| Boot | Price |\n| --- | ---: |\n';
    const [first = '', ...rest] = textOf(shown(message)).split(head);
    expect(rest.length).toBeGreaterThan(1);
    expect(sameWords([first, head, ...rest].join(''), text)).toBe(true);
    for (const { text: part } of shown(message)) {
      expect((part.match(/^```/gm) ?? []).length % 2).toBe(0);
      const rows = part.split('\n').filter(line => line.startsWith('|'));
      if (rows.length > 0) expect(rows[0]).toBe('| Boot | Price |');
    }
    expect(world.slack.rates.limited()).toBe(0);
    expect(
      world.slack.calls().filter(({ response }) => /too_long/.test(JSON.stringify(response) ?? '')),
    ).toEqual([]);
  });

  it('holds less when Slack says so', async () => {
    await setUp({ limits: { streamBytes: 3_000, messageBlocksText: 4_000 } });
    const message = await ask();
    const sink = world.open(message);
    const text = Array.from({ length: 120 }, (_, n) => `Line ${n} ${'of boots '.repeat(8)}`).join('\n');
    await finish(speak(sink, text, 30));
    sink.close();
    expect(wordsOf(textOf(shown(message)))).toBe(wordsOf(text));
  });

  it.each([
    ['Slack does not stream', { type: 'error', error: 'method_not_supported_for_channel_type' }],
    ['a server has no such method', { type: 'http', status: 404 }],
    ['a server says yes to anything', { type: 'error', error: '', extra: { ok: true } }],
  ] as const)('posts and updates where %s', async (_, fault) => {
    await setUp();
    world.slack.fail('chat.startStream', fault);
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('The first words '));
    await answered('chat.postMessage');
    expect(textOf(shown(message))).toContain('The first words');
    await finish(sink.finish(done('The first words and the last.')));
    sink.close();
    expect(shown(message)).toHaveLength(1);
    expect(textOf(shown(message)).trim()).toBe('The first words and the last.');
    expect(calls('chat.startStream')).toHaveLength(1);
  });

  it('is posted once where a server does not say where, and grows where it is found', async () => {
    await setUp();
    world.slack.fail('chat.startStream', { type: 'http', status: 404 });
    world.slack.fail('chat.postMessage', { type: 'only_ok' }, { times: 9 });
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('The first words '));
    await answered('chat.postMessage');
    sink.show(reply('The first words and more '));
    await finish(sink.finish(done('The first words and the last.')));
    sink.close();
    expect(shown(message)).toHaveLength(1);
    expect(textOf(shown(message)).trim()).toBe('The first words and the last.');
  });

  it('says nothing twice where a server does not say where, and has it nowhere', async () => {
    await setUp();
    const nothing = { type: 'error', error: '', extra: { ok: true } } as const;
    for (const method of ['chat.startStream', 'conversations.replies', 'chat.update'])
      world.slack.fail(method, nothing, { times: 99 });
    world.slack.fail('chat.postMessage', { type: 'only_ok' }, { times: 9 });
    const message = await ask();
    const sink = world.open(message);
    await finish(speak(sink, 'The first words. Some more of them. And the last.', 12));
    sink.close();
    expect(shown(message).length).toBeLessThan(3);
    expect(wordsOf(textOf(shown(message)))).toBe(
      wordsOf('The first words. Some more of them. And the last.'),
    );
  });

  it('is read out whole by a screen reader, which reads no blocks', async () => {
    await setUp();
    world.slack.fail('chat.startStream', { type: 'error', error: 'feature_disabled' });
    const message = await ask();
    const sink = world.open(message);
    const lines = Array.from({ length: 30 }, (_, index) => `Boot ${index} costs < ${index}00 euros.`);
    await finish(sink.finish(done(`## Boots\n\n**Three** for you, #1 first:\n${lines.join('\n')}`)));
    sink.close();
    const spoken = String(calls('chat.postMessage')[0]?.args.text);
    expect(spoken).toBe(`Boots\n\nThree for you, #1 first:\n${lines.join('\n').replaceAll('<', '&lt;')}`);
  });

  it('calls nobody and has nothing fetched', async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const text =
      'Hey <!channel>, <@U000000004> and <!here>: see https://evil.example/?q=secret or [this](https://evil.example/x). ';
    for (const streams of [true, false]) {
      if (!streams) world.slack.fail('chat.startStream', { type: 'error', error: 'feature_disabled' });
      const message = await ask(channel.id);
      const sink = world.open(message);
      sink.show(reply(text));
      await answered(streams ? 'chat.startStream' : 'chat.postMessage');
      await finish(sink.finish(done(`${text}\n\n\`\`\`\n<!everyone>\n\`\`\``)));
      sink.close();
    }
    expect(world.slack.pings()).toEqual([]);
    expect(world.slack.crawled()).toEqual([]);
  });
});

describe('when something goes wrong', () => {
  it('waits out a rate limit, and the last words arrive', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    world.slack.fail('chat.startStream', { type: 'rate_limited', retryAfter: 7 });
    world.slack.fail('chat.postMessage', { type: 'rate_limited', retryAfter: 5 }, { times: 2 });
    sink.show(reply('The first words '));
    await finish(sink.finish(done('The first words and the last.')));
    sink.close();
    expect(textOf(shown(message)).trim()).toBe('The first words and the last.');
    expect(world.logs.some(({ event }) => event === 'slack.rate_limited')).toBe(true);
  });

  it('understands a rate limit that is only an error code', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    world.slack.fail('chat.postMessage', { type: 'error', error: 'ratelimited' });
    await finish(sink.finish(done('The answer.')));
    sink.close();
    expect(textOf(shown(message)).trim()).toBe('The answer.');
  });

  it.each(['invalid_blocks', 'something_new'])(
    'says it in plain text where Slack wants no blocks (%s)',
    async error => {
      await setUp();
      const message = await ask();
      const sink = world.open(message);
      world.slack.fail(
        'chat.postMessage',
        { type: 'error', error },
        { times: 99, where: ({ blocks }) => blocks !== '[]' },
      );
      const text = Array.from({ length: 300 }, (_, n) => `Line ${n} of <boots> & more`).join('\n');
      await finish(sink.finish(done(text)));
      sink.close();
      const read = textOf(shown(message))
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&amp;', '&');
      expect(sameWords(read, text)).toBe(true);
    },
  );

  it('posts where it may not stream', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    world.slack.fail('chat.startStream', { type: 'error', error: 'missing_scope' });
    sink.show(reply('The first words '));
    await answered('chat.postMessage');
    await finish(sink.finish(done('The first words and the last.')));
    sink.close();
    expect(textOf(shown(message)).trim()).toBe('The first words and the last.');
  });

  it('delays no other channel by that', async () => {
    await setUp();
    const channel = world.workspace.addChannel('busy', { members: [world.ann] });
    const busy = await ask(channel.id);
    const quiet = await ask();
    const first = world.open(busy);
    world.slack.fail(
      'chat.postMessage',
      { type: 'rate_limited', retryAfter: 600 },
      { where: ({ channel: id }) => id === channel.id },
    );
    const waiting = first.finish(done('Busy.'));
    await world.slack.until(
      () => world.logs.some(({ event }) => event === 'slack.rate_limited'),
      'the refusal',
    );
    const second = world.open(quiet);
    await second.finish(done('Quiet.'));
    expect(textOf(shown(quiet)).trim()).toBe('Quiet.');
    expect(shown(busy)).toEqual([]);
    await finish(waiting, 60_000);
    expect(textOf(shown(busy)).trim()).toBe('Busy.');
    first.close();
    second.close();
  });

  const LOST = ['before', 'after'] as const;
  const METHODS = [
    'chat.startStream',
    'chat.appendStream',
    'chat.stopStream',
    'chat.postMessage',
    'chat.update',
  ];
  it.each(METHODS.flatMap(method => LOST.map(when => [method, when] as const)))(
    'says everything once when the connection is lost at %s, %s it took effect',
    async (method, when) => {
      await setUp();
      const posts = method === 'chat.postMessage' || method === 'chat.update';
      if (posts) world.slack.fail('chat.startStream', { type: 'error', error: 'feature_disabled' });
      const message = await ask();
      const sink = world.open(message);
      world.slack.fail(method, { type: 'drop', when });
      const parts = ['One two three. ', 'Four five six. ', 'Seven eight nine. ', 'Ten.'];
      let text = '';
      for (const part of parts.slice(0, 3)) {
        text += part;
        sink.show(reply(text));
        await says(message, text);
      }
      await finish(sink.finish(done(parts.join(''))));
      sink.close();
      expect(calls(method).length).toBeGreaterThan(0);
      expect(wordsOf(textOf(shown(message)))).toBe(wordsOf(parts.join('')));
    },
  );

  it.each(['channel_not_found', 'not_in_channel', 'is_archived'])(
    'writes to the person where it can no longer write to the place (%s)',
    async error => {
      await setUp();
      const channel = world.workspace.addChannel('general', { members: [world.ann] });
      const message = await ask(channel.id);
      const sink = world.open(message);
      for (const method of ['chat.startStream', 'chat.postMessage', 'chat.appendStream']) {
        world.slack.fail(
          method,
          { type: 'error', error },
          { times: 99, where: args => args.channel === channel.id },
        );
      }
      sink.show(reply('The answer '));
      await finish(sink.finish(done('The answer is forty-two.')));
      sink.close();
      expect(textOf(world.ann.sees(world.ann.dmChannel))).toContain('The answer is forty-two.');
      expect(world.logs.find(({ event }) => event === 'slack.place_lost')?.fields).toMatchObject({
        code: error,
      });
    },
  );

  it('writes to the person when it is removed from the channel in the middle', async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    const message = await ask(channel.id);
    const sink = world.open(message);
    sink.show(reply('The answer '));
    await answered('chat.startStream');
    channel.removeBot();
    await finish(sink.finish(done('The answer is forty-two.')));
    sink.close();
    expect(textOf(world.ann.sees(world.ann.dmChannel))).toContain('The answer is forty-two.');
  });

  it('says in the log that a reply could not be delivered when the token is revoked', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    world.workspace.revokeTokens();
    await finish(sink.finish(done('The answer is forty-two.')));
    sink.close();
    expect(world.logs.filter(({ level }) => level === 'error')).toMatchObject([
      { event: 'slack.reply_undeliverable' },
    ]);
  });

  it('leaves what it cannot write to a later process', async () => {
    await setUp();
    const message = await ask();
    const kept = keeper();
    const sink = world.open(message, kept);
    world.slack.fail('chat.postMessage', { type: 'drop', when: 'after' });
    world.slack.fail('conversations.replies', { type: 'drop', when: 'before' }, { times: 99 });
    const finished = sink.finish(done('The answer is forty-two.'));
    finished.catch(() => {});
    await world.slack.until(() => calls('conversations.replies').length > 0, 'a look whether it is there');
    const stopped = world.adapter.stop();
    await expect(finish(finished)).rejects.toThrow();
    await stopped;
    sink.close();
    world.slack.clearFaults();
    await world.restart();
    const again = world.open(message, kept);
    await finish(again.finish(done('The answer is forty-two.')));
    again.close();
    expect(shown(message)).toHaveLength(1);
    expect(textOf(shown(message)).trim()).toBe('The answer is forty-two.');
  });

  it('does not take an earlier answer that begins with the same word for its own', async () => {
    await setUp();
    const message = await ask();
    const first = world.open(message);
    first.show(reply('I found a blue one '));
    await answered('chat.startStream');
    await finish(first.finish(done('I found a blue one in your size.')));
    first.close();
    // A process that died when it was about to begin a stream, and had heard one word.
    const posting = { from: 0, opened: '', after: '0', fingerprint: fingerprintOf('I') };
    const next = { ...message, id: `${message.id}1` };
    const second = world.open(next, { handle: { parts: [], posting }, async save() {} });
    await finish(second.finish(done('I would take the green one.')));
    second.close();
    expect(wordsOf(textOf(shown(message)))).toBe(
      wordsOf('I found a blue one in your size. I would take the green one.'),
    );
  });

  it('is said where the app may not look whether it was said', async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    const message = await ask(channel.id);
    const sink = world.open(message);
    world.slack.fail('chat.startStream', { type: 'drop', when: 'before' });
    world.slack.fail('conversations.replies', { type: 'error', error: 'missing_scope' }, { times: 9 });
    sink.show(reply('I found '));
    await finish(sink.finish(done('I found a blue one.')));
    sink.close();
    expect(textOf(shown(message)).trim()).toBe('I found a blue one.');
  });

  it('is found in a busy thread of which Slack gives fifteen messages at a time', async () => {
    await setUp({ limits: { messagePage: 15 } });
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const message = await ask(channel.id);
    const inThread = { threadTs: message.conversation.thread ?? '' };
    for (let n = 1; n <= 40; n += 1) await world.ben.post(channel.id, `Remark ${n}`, inThread).settled;
    const sink = world.open(message);
    world.slack.fail('chat.postMessage', { type: 'drop', when: 'after' });
    await finish(sink.finish(done('I found a blue one.')));
    sink.close();
    expect(shown(message)).toHaveLength(1);
  });

  it('goes on in the stream of a process that died before it could save it', async () => {
    await setUp();
    const message = await ask();
    const first = world.open(message);
    const handle = structuredClone(first.handle ?? null);
    first.show(reply('I found '));
    await answered('chat.startStream');
    await world.restart();
    const second = world.open(message, { ...keeper(), handle });
    await finish(second.finish(done('I found a blue one in your size.')));
    for (const sink of [first, second]) sink.close();
    expect(shown(message)).toMatchObject([{ streaming: false }]);
    expect(textOf(shown(message)).trim()).toBe('I found a blue one in your size.');
  });

  it('begins anew where a process died before it had begun', async () => {
    await setUp();
    const message = await ask();
    const first = world.open(message);
    const handle = structuredClone(first.handle ?? null);
    await world.restart();
    const second = world.open(message, { ...keeper(), handle });
    await finish(second.finish(done('I found a blue one.')));
    for (const sink of [first, second]) sink.close();
    expect(textOf(shown(message)).trim()).toBe('I found a blue one.');
  });

  it("takes nobody else's open stream in the thread for its own", async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const anns = await ask(channel.id);
    const thread = anns.conversation.thread ?? '';
    await world.ben.mention(channel.id, 'And for me?', { threadTs: thread }).settled;
    const bens = await world.received(2);
    const first = world.open(anns);
    first.show(reply('I found '));
    await answered('chat.startStream');
    // Of Ben's, a process died before it had begun.
    const before = world.open(bens);
    const second = world.open(bens, { ...keeper(), handle: structuredClone(before.handle ?? null) });
    await finish(second.finish(done('I found nothing.')));
    await finish(first.finish(done('I found a blue one.')));
    for (const sink of [first, before, second]) sink.close();
    expect(shown(anns).map(({ text }) => wordsOf(text.replace(BUTTONS, '')))).toEqual(
      ['I found a blue one.', 'I found nothing.'].map(wordsOf),
    );
  });

  it.each([
    ['nothing', '', reply('I found ')],
    ['the first word of it', 'I', reply('I found ')],
    [
      'nothing as well',
      '',
      reply('', { activities: [{ id: 'a', label: 'Looking for blue ones', state: 'running' }] }),
    ],
  ])("takes no open stream of another's for its own when it had begun with %s", async (_, begun, bens) => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const anns = await ask(channel.id);
    const inThread = { threadTs: anns.conversation.thread ?? '' };
    await world.ben.mention(channel.id, 'And for me?', inThread).settled;
    const first = world.open(await world.received(2));
    first.show(bens);
    await answered('chat.startStream');
    const posting = { from: 0, opened: '', after: '0', fingerprint: fingerprintOf(begun) };
    const second = world.open(anns, { ...keeper(), handle: { parts: [], posting } });
    await finish(second.finish(done('I would take the green one.')));
    await finish(first.finish(done('I found a blue one.')));
    for (const sink of [first, second]) sink.close();
    expect(shown(anns).map(({ text }) => wordsOf(text.replace(BUTTONS, '')))).toEqual(
      ['I found a blue one.', 'I would take the green one.'].map(wordsOf),
    );
  });

  it('stops when Slack says that the person stopped the stream, though no event says so', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    sink.show(reply('A long story '));
    await answered('chat.startStream');
    world.slack.fail('chat.appendStream', { type: 'error', error: 'stopped_by_user' });
    sink.show(reply('A long story that goes on '));
    world.slack.clock.advance(1_000);
    await world.slack.until(() => world.bot.interrupted[0], 'the interruption');
    expect(world.bot.interrupted).toEqual([message.conversation]);
    await finish(sink.finish(reply('A long story that goes on\n\nStopped.', { state: 'stopped' })));
    sink.close();
    expect(wordsOf(textOf(shown(message)))).toBe(wordsOf('A long story that goes on Stopped.'));
  });
});

describe('the native stop button', () => {
  it('is there from the start, interrupts while no time passes, and goes when the reply ends', async () => {
    await setUp();
    const posted = world.ann.dm('Tell me a story');
    await posted.settled;
    const message = await world.received();
    const sink = world.open(message);
    await answered('agents.sessions.setStatus');
    world.ann.stop(posted.channel, posted.ts);
    await world.slack.until(() => world.bot.interrupted[0], 'the interruption');
    await finish(sink.finish(reply('Stopped.', { state: 'stopped' })));
    sink.close();
    await world.slack.until(() => {
      try {
        world.ann.stop(posted.channel, posted.ts);
        return false;
      } catch {
        return true;
      }
    }, 'no stop button');
    expect(world.ann.status(posted.channel, posted.ts)).toBeUndefined();
  });

  it('gives a new conversation a title', async () => {
    await setUp();
    const message = await ask();
    const sink = world.open(message);
    await answered('agents.sessions.setStatus');
    expect(calls('agents.sessions.setStatus')[0]?.args).toMatchObject({
      status: 'processing',
      title: 'Hello',
    });
    sink.close();
  });
});

describe('many conversations at once', () => {
  it('stays within every tier with 200 in one workspace, and all complete', async () => {
    await setUp({ rateLimits: { burst: 1 } });
    const people = Array.from({ length: 200 }, (_, n) => world.workspace.addUser(`user${n}`));
    for (const person of people) person.dm(`Hello from ${person.name}`);
    await world.received(200);
    const finals = new Map<string, string>();
    const sinks: ReplySink[] = [];
    const replies = world.bot.received.map(async (message, index) => {
      const sink = world.open(message);
      sinks.push(sink);
      const text = `Reply ${index}: ${'some words about boots. '.repeat(10 + (index % 30))}`;
      finals.set(message.id, text);
      await speak(sink, text, 10);
    });
    await finish(Promise.all(replies), 250);
    for (const sink of sinks) sink.close();
    expect(world.slack.rates.limited()).toBe(0);
    for (const message of world.bot.received) {
      const seen = world.slack
        .user(message.conversation.person.id)
        .sees(message.conversation.channel)
        .filter(({ fromApp }) => fromApp);
      expect(wordsOf(textOf(seen))).toBe(wordsOf(finals.get(message.id) ?? ''));
    }
  });
});

const LONG = [
  ...Array.from({ length: 60 }, (_, n) => `Paragraph ${n}. ${'Some plain words about boots. '.repeat(20)}`),
  `\`\`\`ts\n${'const boots = "green"; // warm\n'.repeat(500)}\`\`\``,
  `| Boot | Price |\n| --- | ---: |\n${Array.from({ length: 500 }, (_, n) => `| Boot number ${n} | $${n} |`).join('\n')}`,
  'The end.',
].join('\n\n');
