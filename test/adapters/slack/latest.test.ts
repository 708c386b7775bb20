import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLatest, type Latest } from '../../../src/adapters/slack/memory/latest.ts';
import type { Conversation } from '../../../src/core/message.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import type { State } from '../../../src/core/state/state.ts';

const DAY_MS = 24 * 3600_000;
const person = { platform: 'slack', workspace: 'T1', id: 'U1', name: 'Ann' };
const inThread = (channel: string, thread: string): Conversation => ({
  person,
  channel,
  thread,
  audience: 'private',
});
const [one, two] = [inThread('D1', '1.0'), inThread('D1', '2.0')];

let dir: string;
let state: State;
let latest: Latest;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  dir = await mkdtemp(join(tmpdir(), 'shopper-latest-'));
  state = await openSqliteState(dir);
  latest = createLatest(state);
});
afterEach(async () => {
  vi.useRealTimers();
  await state.close();
  await rm(dir, { recursive: true });
});

it('knows where a person was last heard, also when they go back to where they were before', async () => {
  for (const conversation of [one, two, one]) await latest.heard(conversation);
  expect(await latest.conversation(person, null)).toEqual(one);
  expect(await latest.conversation(person, 'D1')).toEqual(one);
  await latest.heard(two);
  expect(await latest.conversation(person, 'D1')).toEqual(two);
});

it('knows it for a month after the last word, not after the first', async () => {
  for (let day = 0; day < 40; day += 1) {
    await latest.heard(one);
    vi.setSystemTime(Date.now() + DAY_MS / 2);
    await latest.heard(one);
    vi.setSystemTime(Date.now() + DAY_MS / 2);
  }
  expect(await latest.conversation(person, null)).toEqual(one);
  vi.setSystemTime(Date.now() + 31 * DAY_MS);
  expect(await latest.conversation(person, null)).toBeNull();
});

it('is the name they have now', async () => {
  await latest.heard(one);
  const renamed = { ...one, person: { ...person, name: 'Anna' } };
  await latest.heard(renamed);
  expect(await latest.conversation(person, null)).toEqual(renamed);
});
