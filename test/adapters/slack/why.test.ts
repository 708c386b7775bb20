import { afterEach, describe, expect, it } from 'vitest';
import { WHY_SHORTCUT } from '../../../src/adapters/slack/connection/scopes.ts';
import type { Message } from '../../../src/core/message.ts';
import type { Seen } from '../../fakes/slack/drivers/screen.ts';
import { textsOf } from '../../fakes/slack/rendering.ts';
import { done, keeper, reply } from '../scripted-bot.ts';
import { createWorld, TRANSPORTS, type TransportName, type World } from './harness.ts';

let world: World;
afterEach(() => world.stop());

async function setUp(transport: TransportName = 'socket'): Promise<void> {
  world = await createWorld({ transport });
  world.bot.onCommand = ({ action }) =>
    action.type === 'why'
      ? {
          type: 'why',
          sentence: 'I had this before me:',
          memories: [
            { memoryId: 'm1', path: '/sizes.md', title: 'Sizes', how: ['known'], forEveryone: false },
          ],
          searched: false,
        }
      : { type: 'outcome', ok: false, sentence: 'not asked for' };
}

/** Ann asks and is answered; returns the messages of the answer. */
async function answered(text: string, options: { channel?: string; streams?: boolean } = {}) {
  const { channel, streams = false } = options;
  const before = world.bot.received.length;
  const posted = channel === undefined ? world.ann.dm('Help me') : world.ann.mention(channel, 'Help me');
  await posted.settled;
  const message = await world.received(before + 1);
  const sink = world.open(message, keeper());
  if (streams) {
    sink.show(reply(text.slice(0, 5)));
    await world.slack.until(() => world.slack.calls('chat.startStream').at(-1)?.status, 'the stream');
    const over = sink.finish(done(text));
    await world.slack.until(() => {
      world.slack.clock.advance(1_000);
      return world.slack.calls('chat.stopStream').length > 0;
    }, 'its end');
    await over;
  } else await sink.finish(done(text));
  sink.close();
  const parts = world.ann.sees(posted.channel, posted.ts).filter(({ fromApp }) => fromApp);
  return { message, parts };
}

const first = <T>(all: readonly T[]): T => {
  const [it] = all;
  if (it === undefined) throw new Error('nothing there');
  return it;
};
const modalText = () => textsOf(world.ann.modal?.blocks).join('\n');
const askWhy = (on: Seen) => world.ann.shortcut(on, WHY_SHORTCUT).outcome;

function expectAsked({ id, conversation }: Message): void {
  expect(world.bot.commands.at(-1)).toMatchObject({
    person: { id: world.ann.id },
    conversation: {
      channel: conversation.channel,
      thread: conversation.thread,
      audience: conversation.audience,
      person: { id: world.ann.id },
    },
    action: { type: 'why', messageId: id },
  });
}

describe.each(TRANSPORTS)('“Why this answer?” over %s', transport => {
  it('says in a window what that answer was based on', async () => {
    await setUp(transport);
    const { message, parts } = await answered('Size 9 it is.');
    await answered('Something else.');
    await askWhy(first(parts));
    await world.slack.until(() => modalText().includes('I had this before me:'), 'the window');
    expect(modalText()).toContain('Sizes');
    expectAsked(message);
  });
});

describe('“Why this answer?”', () => {
  it('knows a streamed answer in a channel', async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const { message, parts } = await answered('Size 9 it is.', { channel: channel.id, streams: true });
    await askWhy(first(parts));
    await world.slack.until(() => modalText().includes('I had this before me:'), 'the window');
    expectAsked(message);
  });

  it('knows the first of several messages by the end of the answer', async () => {
    await setUp();
    const { message, parts } = await answered('A line of many words.\n\n'.repeat(900), { streams: true });
    expect(parts.length).toBeGreaterThan(1);
    await askWhy(first(parts));
    await world.slack.until(() => modalText().includes('I had this before me:'), 'the window');
    expectAsked(message);
  });

  it('is for who was answered alone', async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const { parts } = await answered('Size 9 it is.', { channel: channel.id });
    const seen = world.ben.sees(channel.id).find(({ ts }) => ts === first(parts).ts);
    if (seen === undefined) throw new Error('Ben does not see it');
    await world.ben.shortcut(seen, WHY_SHORTCUT).outcome;
    await world.slack.until(
      () => textsOf(world.ben.modal?.blocks).join().includes('for somebody else'),
      'a sentence to Ben',
    );
    expect(world.bot.commands).toEqual([]);
  });

  it('on what is no answer of the bot says so', async () => {
    await setUp();
    const posted = world.ann.dm('Hello');
    await posted.settled;
    await world.ann.shortcut(posted, WHY_SHORTCUT).outcome;
    await world.slack.until(() => modalText().includes('That only works on my answers'), 'the sentence');
    expect(world.bot.commands).toEqual([]);
  });

  it('is offered to who gave feedback on their answer, and to nobody else', async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const { message, parts } = await answered('Size 9 it is.', { channel: channel.id });
    const answer = first(parts);
    const thanks = (user: World['ann']) =>
      world.slack.until(
        () => user.sees(channel.id).find(({ ephemeral, text }) => ephemeral && text.startsWith('Thank you.')),
        'thanks',
      );
    await world.ben.feedback(answer, 'negative').outcome;
    expect((await thanks(world.ben)).text).toBe('Thank you.');
    await world.ann.feedback(answer, 'negative').outcome;
    await world.ann.press(await thanks(world.ann), 'memory_why').outcome;
    await world.slack.until(() => modalText().includes('I had this before me:'), 'the window');
    expectAsked(message);
  });
});
