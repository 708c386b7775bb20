import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conversationKey, type Message } from '../../src/core/message.ts';
import { createInbox } from '../../src/core/queue/inbox.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';

let dir: string;
let state: State;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shopper-inbox-'));
  state = await openSqliteState(dir);
});
afterEach(async () => {
  await state.close();
  await rm(dir, { recursive: true });
});

const message = (id: string, user = 'U1', channel = 'C1'): Message => ({
  id,
  conversation: {
    person: { platform: 'slack', workspace: 'T1', id: user, name: user },
    channel,
    thread: null,
    audience: 'private',
  },
  text: `text ${id}`,
  attachments: [],
  context: [],
  replyTo: null,
});
const key = (m: Message) => conversationKey(m.conversation);

describe('the inbox', () => {
  it('accepts a delivery once, however often and however simultaneously it comes', async () => {
    const inbox = createInbox(state);
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => inbox.accept(message('1'))));
    expect(verdicts.filter(verdict => verdict === 'accepted')).toHaveLength(1);
    expect(await inbox.pending(key(message('1')))).toHaveLength(1);
  });

  it('still knows a delivery after it was answered, also after a restart', async () => {
    const inbox = createInbox(state);
    await inbox.accept(message('1'));
    await inbox.done(await inbox.pending(key(message('1'))));
    expect(await inbox.accept(message('1'))).toBe('duplicate');
    await state.close();
    state = await openSqliteState(dir);
    expect(await createInbox(state).accept(message('1'))).toBe('duplicate');
  });

  it('keeps the order of arrival, whatever the clocks of those who accept say', async () => {
    const inboxes = [createInbox(state, () => 1_000), createInbox(state, () => 999), createInbox(state)];
    const inbox = createInbox(state);
    const ids = ['9', '10', '2', 'b', 'a'];
    for (const [n, id] of ids.entries()) await inboxes[n % 3]?.accept(message(id));
    expect((await inbox.pending(key(message('9')))).map(entry => entry.message.id)).toEqual(ids);
  });

  it('keeps conversations apart, even with ids that contain separators', async () => {
    const inbox = createInbox(state);
    await inbox.accept(message('1', 'U', 'C/x'));
    await inbox.accept(message('1', 'U/C', 'x'));
    expect(await inbox.pending(key(message('1', 'U', 'C/x')))).toHaveLength(1);
    expect(await inbox.conversations()).toHaveLength(2);
  });

  it('names what is pending after a restart, oldest first', async () => {
    const inbox = createInbox(state);
    await inbox.accept(message('1', 'U2'));
    const ticket = await state.ticket();
    await inbox.accept(message('2', 'U1'));
    await inbox.accept(message('3', 'U3'));
    await inbox.done(await inbox.pending(key(message('3', 'U3'))));
    expect((await inbox.conversations()).map(conversation => conversation.person.id)).toEqual(['U2', 'U1']);
    expect((await inbox.conversations(ticket)).map(conversation => conversation.person.id)).toEqual(['U2']);
  });

  it('refuses what is too much of one person, says so once, and takes messages again when it has caught up', async () => {
    const inbox = createInbox(state, Date.now, { person: 2, total: 100 });
    await inbox.accept(message('1', 'U1', 'C1'));
    await inbox.accept(message('2', 'U1', 'C2'));
    expect(await inbox.accept(message('3', 'U1', 'C3'))).toEqual({
      refused: expect.stringMatching(/^I still have 2 messages of yours to answer/),
    });
    expect(await inbox.accept(message('3', 'U1', 'C3'))).toBe('duplicate');
    expect(await inbox.accept(message('1', 'U1', 'C1'))).toBe('duplicate');
    expect(await inbox.accept(message('1', 'U2'))).toBe('accepted');
    expect(await inbox.accept(message('1', 'U10'))).toBe('accepted');
    await inbox.done(await inbox.pending(key(message('1', 'U1', 'C1'))));
    expect(await inbox.accept(message('4', 'U1', 'C4'))).toBe('accepted');
  });

  it('refuses what is too much in all', async () => {
    const inbox = createInbox(state, Date.now, { person: 10, total: 0 });
    expect(await inbox.accept(message('1'))).toEqual({
      refused: expect.stringMatching(/^More people are writing to me than I can answer/),
    });
    expect(await inbox.pending(key(message('1')))).toEqual([]);
  });

  it('counts what others have taken of a person, where several processes do', async () => {
    const [one, other] = [0, 1].map(() =>
      createInbox({ ...state, multiProcess: true }, Date.now, { person: 2, total: 100 }),
    );
    expect(await one?.accept(message('1', 'U1', 'C1'))).toBe('accepted');
    expect(await other?.accept(message('2', 'U1', 'C2'))).toBe('accepted');
    expect(await one?.accept(message('3', 'U1', 'C3'))).toMatchObject({ refused: expect.any(String) });
  });

  it('takes more at once when something was answered, and no more than that', async () => {
    const inbox = createInbox(state, Date.now, { person: 10, total: 2 });
    const refused = { refused: expect.stringMatching(/^More people are writing to me/) };
    await inbox.accept(message('1', 'U1'));
    await inbox.accept(message('1', 'U2'));
    expect(await inbox.accept(message('1', 'U3'))).toEqual(refused);
    await inbox.done(await inbox.pending(key(message('1', 'U1'))));
    expect(await inbox.accept(message('1', 'U4'))).toBe('accepted');
    expect(await inbox.accept(message('1', 'U5'))).toEqual(refused);
  });
});
