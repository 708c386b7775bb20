import { afterEach, describe, expect, it } from 'vitest';
import { createPairing } from '../../src/core/people/pairing.ts';
import { AGENT, type Bench, collect, createBench } from '../helpers/bench.ts';

let bench: Bench;
afterEach(() => bench.stop());

const NOON = Date.parse('2026-03-14T12:00:00Z');
let now = NOON;

async function open(settings: string): Promise<void> {
  now = NOON;
  bench = await createBench({ agent: `${AGENT}${settings}`, now: () => now });
}

const say = async (text: string, place: { user?: string; channel?: string } = {}) =>
  (await bench.adapter.say(text, place)).final;

const desk = () => createPairing({ client: bench.client, app: 'shopper', now: () => now });
const codeIn = (text = '') => /[A-Z2-9]{4}-[A-Z2-9]{4}/.exec(text)?.[0] ?? '';
const personNamed = (user: string) => bench.adapter.conversation({ user }).person;

async function storesAndSessions() {
  const stores = await collect(bench.client.beta.memoryStores.list());
  return [
    stores.filter(store => store.metadata.person !== undefined).length,
    (await collect(bench.client.beta.sessions.list())).length,
  ];
}

describe('an allowlist', () => {
  const LIST =
    'access:\n  default: open\n  rules:\n    - {platform: test, mode: allowlist, allow: [ann, "7"]}\n';

  it('lets in who is on it, and tells everybody else how to get there, before any work is done', async () => {
    await open(LIST);
    const refused = await say('I wear size 9 shoes', { user: 'ben' });
    expect(refused).toMatchObject({ state: 'done', text: expect.stringContaining('your id here is ben') });
    await bench.adapter.bot().prepare(personNamed('ben'));
    expect(await storesAndSessions()).toEqual([0, 0]);
    expect((await say('I wear size 9 shoes', { user: 'ann' }))?.text).toMatch(/9/);
    expect((await say('I wear size 8 shoes', { user: '7' }))?.text).toMatch(/8/);
    expect(await storesAndSessions()).toEqual([2, 2]);
  });

  it('for a workspace wins over the rule for its platform, and the default holds elsewhere', async () => {
    await open(
      `${LIST}    - {platform: test, workspace: W1, mode: open}\n    - {platform: slack, mode: allowlist}\n`,
    );
    expect((await say('I wear size 9 shoes', { user: 'ben' }))?.text).toMatch(/9/);
  });

  it('lets people see and forget what was remembered about them before', async () => {
    await open('');
    await say('I wear size 9 shoes', { user: 'ben' });
    await bench.restart('stop', { agent: `${AGENT}${LIST}` });
    const view = await bench.adapter.bot().command({ person: personNamed('ben'), action: { type: 'view' } });
    expect(JSON.stringify(view)).toContain('shoe size: 9');
  });
});

describe('pairing', () => {
  const PAIRING = 'access: {default: pairing}\n';

  it('gives a new person one code, and lets them in once an operator approves it', async () => {
    await open(PAIRING);
    const refused = await say('I wear size 9 shoes', { user: 'ben' });
    const code = codeIn(refused?.text);
    expect(code).not.toBe('');
    expect(codeIn((await say('hello?', { user: 'ben' }))?.text)).toBe(code);
    const elsewhere = await say('hello?', { user: 'ben', channel: 'D2' });
    expect(codeIn(elsewhere?.text)).toBe(code);
    expect(codeIn((await say('hello', { user: 'eve' }))?.text)).not.toBe(code);
    expect(await storesAndSessions()).toEqual([0, 0]);

    expect((await desk().waiting()).map(({ person }) => person.id).sort()).toEqual(['ben', 'eve']);
    // As a keyboard for Japanese writes it.
    const wide = code.replace(/\w/g, it => String.fromCharCode(it.charCodeAt(0) + 0xfee0)).toLowerCase();
    expect(await desk().approve(wide.replace('-', ' '), 'op')).toMatchObject({ id: 'ben' });
    expect((await say('I wear size 9 shoes', { user: 'ben' }))?.text).toMatch(/9/);
    expect(codeIn((await say('hello', { user: 'eve' }))?.text)).not.toBe('');
    expect(await desk().approved()).toMatchObject([{ person: { id: 'ben' }, by: 'op' }]);
    expect((await desk().waiting()).map(({ person }) => person.id)).toEqual(['eve']);
  });

  it('ends within a minute when an operator takes the approval back; a new code is needed', async () => {
    await open(PAIRING);
    const code = codeIn((await say('hello', { user: 'ben' }))?.text);
    await desk().approve(code, 'op');
    expect(codeIn((await say('hello', { user: 'ben' }))?.text)).toBe('');
    expect(await desk().revoke(personNamed('ben'))).toBe(true);
    expect(await desk().revoke(personNamed('ben'))).toBe(false);
    now += 60_000;
    const next = codeIn((await say('hello', { user: 'ben' }))?.text);
    expect(next).not.toBe('');
    expect(next).not.toBe(code);
    expect(await desk().approve(code, 'op')).toBeNull();
  });

  it('survives a restart, on a new state as well', async () => {
    await open(PAIRING);
    await desk().approvePerson(personNamed('ben'), 'op');
    await bench.restart('stop');
    expect(codeIn((await say('hello', { user: 'ben' }))?.text)).toBe('');
  });

  it('forgets a code after a day', async () => {
    await open(PAIRING);
    const code = codeIn((await say('hello', { user: 'ben' }))?.text);
    now += 24 * 3600_000;
    expect(await desk().approve(code, 'op')).toBeNull();
    expect(codeIn((await say('hello', { user: 'ben' }))?.text)).not.toBe(code);
  });

  it('has room for so many who wait, and says so to the next', async () => {
    await open(PAIRING);
    const first = codeIn((await say('hello', { user: 'p0' }))?.text);
    for (let n = 1; n < 200; n += 1) await desk().codeFor(personNamed(`p${n}`));
    expect((await say('hello', { user: 'last' }))?.text).toMatch(/many new people are already waiting/);
    await desk().approve(first, 'op');
    expect(codeIn((await say('hello', { user: 'last' }))?.text)).not.toBe('');
  });

  it('keeps ids apart that look like paths', async () => {
    await open(PAIRING);
    const odd = ['..', '.', 'a/b', 'a', 'a%2Fb', 'ü'].map(personNamed);
    for (const person of odd) {
      expect(await desk().isApproved(person)).toBe(false);
      await desk().approvePerson(person, 'op');
      expect(await desk().isApproved(person)).toBe(true);
    }
    expect(await desk().approved()).toHaveLength(odd.length);
  });

  it('waits out an outage like any other work', async () => {
    await open(PAIRING);
    let failures = 3;
    bench.proxy.plan(({ path }) => {
      if (path !== '/v1/memory_stores' || failures === 0) return undefined;
      failures -= 1;
      return { type: 'drop_before' };
    });
    expect(codeIn((await say('hello', { user: 'ben' }))?.text)).not.toBe('');
    expect(failures).toBe(0);
  });
});

describe('a daily limit', () => {
  it('of turns for one person is told with its reset, does not touch others, and ends with the day', async () => {
    await open('limits: {person: {turns: 2}}\n');
    await say('I wear size 9 shoes');
    await say('My budget is $120', { channel: 'D2' });
    now += 8 * 3600_000;
    const refused = await say('What is my budget?');
    expect(refused).toMatchObject({
      state: 'done',
      text: "You have reached today's limit of 2 messages. It resets at 00:00 (UTC), in about 4 hours.",
    });
    expect((await say('hello', { user: 'ben' }))?.text).not.toMatch(/limit/);
    now += 4 * 3600_000;
    expect((await say('What is my budget?'))?.text).toMatch(/120/);
  });

  it('of a workspace counts everybody in it', async () => {
    await open('limits: {workspace: {turns: 3}, time_zone: Europe/Berlin}\n');
    for (const user of ['ann', 'ben', 'eve']) await say('hello', { user });
    const refused = await say('hello', { user: 'zoe' });
    expect(refused?.text).toBe(
      "Everyone here together has reached today's limit. It resets at 00:00 (Europe/Berlin), in about 11 hours.",
    );
  });

  it('holds when many messages arrive at once', async () => {
    await open('limits: {person: {turns: 3}}\n');
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, n) => say('hello', { channel: `D${n}` })),
    );
    expect(replies.filter(reply => reply?.text.includes('limit'))).toHaveLength(5);
  });

  it('of tokens counts what the model used, as the events say', async () => {
    await open('limits: {person: {tokens: 20}}\n');
    await say('hello');
    const usage = (await collect(bench.client.beta.sessions.list()))[0]?.usage;
    expect((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0)).toBeGreaterThanOrEqual(20);
    expect((await say('hello'))?.text).toMatch(/limit for one person/);
  });

  it.each(['stop', 'abandon'] as const)('is still counted after a restart (%s)', async how => {
    await open('limits: {person: {turns: 1}}\n');
    await say('hello');
    await bench.restart(how);
    expect((await say('hello'))?.text).toMatch(/limit of 1 message\./);
  });

  it('counts a turn once that was cut off by a crash and carried on', async () => {
    await open('limits: {person: {turns: 2}}\n');
    let cut = true;
    bench.proxy.plan(({ path }) =>
      cut && path.endsWith('/events/stream') ? { type: 'cut_stream', frames: 0, how: 'stall' } : undefined,
    );
    const message = bench.adapter.message('I wear size 9 shoes');
    await bench.adapter.bot().receive(message);
    await bench.adapter.until(() => bench.adapter.replies.length > 0);
    cut = false;
    await bench.restart('abandon');
    await bench.adapter.until(() => bench.adapter.replies.some(reply => reply.closed));
    expect((await say('What is my shoe size?'))?.text).toMatch(/9/);
    expect((await say('hello'))?.text).toMatch(/limit/);
  });

  it('is not used up by messages that never reached the agent', async () => {
    await open('limits: {person: {turns: 1}}\n');
    bench.proxy.plan(({ path }) => (path === '/v1/sessions' ? { type: 'status', status: 403 } : undefined));
    expect((await say('hello'))?.state).toBe('failed');
    bench.proxy.plan(() => undefined);
    expect((await say('I wear size 9 shoes'))?.text).toMatch(/9/);
  });
});
