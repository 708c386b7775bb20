import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import type { Message } from '../../src/core/message.ts';
import { createDailyLimits } from '../../src/core/people/daily-limits.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';

let dir: string;
let state: State;
let now = 0;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'limits-'));
  state = await openSqliteState(dir);
});
afterEach(async () => {
  await state.close();
  await rm(dir, { recursive: true });
});

const limitsOf = (yaml: string) =>
  createDailyLimits({
    state,
    limits: parseAgentFile(`name: a\nmodel: m\nsystem: s\nlimits: ${yaml}\n`, 'agent.yml').limits,
    now: () => now,
  });

function message(id: string, user = 'ann'): Message {
  const person = { platform: 'slack', workspace: 'T1', id: user, name: user };
  const conversation = { person, channel: 'D1', thread: null, audience: 'private' as const };
  return { id, conversation, text: '', attachments: [], context: [], replyTo: null };
}

async function sentence(limits: ReturnType<typeof limitsOf>, id: string): Promise<string | null> {
  const admission = await limits.admit(message(id));
  return admission.allowed ? null : admission.sentence;
}

describe('the next day', () => {
  it.each([
    ['UTC', '2026-03-14T23:59:30Z', '00:00 (UTC), in a minute.'],
    ['UTC', '2026-03-14T23:30:00Z', '00:00 (UTC), in 30 minutes.'],
    ['America/New_York', '2026-03-14T23:30:00Z', '00:00 (America/New_York), in about 5 hours.'],
    // Days of 23 and of 25 hours, and one that begins at one o'clock.
    ['Europe/Berlin', '2026-03-29T00:30:00Z', '00:00 (Europe/Berlin), in about 22 hours.'],
    ['Europe/Berlin', '2026-10-24T22:30:00Z', '00:00 (Europe/Berlin), in about 25 hours.'],
    ['America/Santiago', '2026-09-06T03:00:00Z', '01:00 (America/Santiago), in 60 minutes.'],
  ])('in %s seen from %s begins at %s', async (zone, at, words) => {
    now = Date.parse(at);
    const limits = limitsOf(`{time_zone: ${zone}, person: {turns: 1}}`);
    expect(await sentence(limits, '1')).toBeNull();
    expect(await sentence(limits, '2')).toMatch(new RegExp(`${words.replace(/[().]/g, '\\$&')}$`));
  });

  it('is not charged with a turn that began the day before', async () => {
    now = Date.parse('2026-03-14T23:59:00Z');
    const limits = limitsOf('{person: {tokens: 100}}');
    expect(await sentence(limits, '1')).toBeNull();
    now += 120_000;
    await limits.spent(message('1'), 'sesn_1', { tokens: 1_000, sessionCents: null });
    expect(await sentence(limits, '2')).toBeNull();
  });
});

describe('a cost limit', () => {
  it('adds up what each turn added to its session, however often that is said', async () => {
    now = Date.parse('2026-03-14T12:00:00Z');
    const limits = limitsOf('{person: {cost_usd: 0.5}}');
    for (const [id, session, total] of [
      ['1', 'sesn_1', 20],
      ['2', 'sesn_1', 30],
      ['3', 'sesn_2', 15],
    ] as const) {
      expect(await sentence(limits, id)).toBeNull();
      for (let n = 0; n < 3; n += 1) {
        await limits.spent(message(id), session, { tokens: 0, sessionCents: total });
      }
    }
    // 20 + 10 + 15 cents.
    expect(await sentence(limits, '4')).toBeNull();
    await limits.spent(message('4'), 'sesn_2', { tokens: 0, sessionCents: 20 });
    expect(await sentence(limits, '5')).toMatch(/limit for one person/);
  });
});

describe('several processes', () => {
  it('see within seconds what the others counted', async () => {
    now = Date.parse('2026-03-14T12:00:00Z');
    const [one, other] = [limitsOf('{person: {turns: 2}}'), limitsOf('{person: {turns: 2}}')];
    expect(await sentence(one, '1')).toBeNull();
    expect(await sentence(other, '2')).toBeNull();
    now += 5_000;
    expect(await sentence(one, '3')).toMatch(/limit of 2/);
    expect(await sentence(other, '3')).toMatch(/limit of 2/);
  });
});

it('writes nothing where nothing is limited', async () => {
  const limits = limitsOf('{}');
  expect(await sentence(limits, '1')).toBeNull();
  await limits.spent(message('1'), 'sesn_1', { tokens: 5, sessionCents: 5 });
  for await (const [key] of state.table('spent').entries()) expect(key).toBeNull();
});
