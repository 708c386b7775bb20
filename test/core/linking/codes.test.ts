import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLinkCodes } from '../../../src/core/linking/codes.ts';
import type { Person } from '../../../src/core/message.ts';
import { eraseRows, TABLES } from '../../../src/core/people/person-rows.ts';
import { dyingAt, type Opened, STATES } from './states.ts';

const person = (id: string): Person => ({ platform: 'test', workspace: 'W1', id, name: `${id} of W1` });
const [ann, ben, cat] = ['ann', 'ben', 'cat'].map(person) as [Person, Person, Person];
const MINUTE = 60_000;

for (const { label, reachable, open } of STATES) {
  describe.skipIf(!reachable)(`codes in ${label}`, () => {
    let opened: Opened;
    let time: number;
    const codes = () => createLinkCodes({ state: opened.state, now: () => time });
    const elsewhere = () => createLinkCodes({ state: opened.another, now: () => time });
    const wrong = (triesLeft: number) => ({ type: 'wrong', triesLeft });

    beforeEach(async () => {
      opened = await open();
      time = Date.now();
    });
    afterEach(() => opened.close());

    it('say whose they are, however they are typed, until they are used', async () => {
      const { code, expiresAt } = await codes().issue(ann);
      expect(code).toMatch(/^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/);
      expect(Date.parse(expiresAt) - time).toBe(10 * MINUTE);
      for (const typed of [
        code,
        code.toLowerCase(),
        ` ${code.replace('-', ' – ')} `,
        code.replace('-', ''),
      ]) {
        expect(await elsewhere().look(ben, typed)).toEqual({ type: 'found', issuer: ann });
      }
      expect(await elsewhere().redeem(ben, code)).toEqual({ type: 'found', issuer: ann });
      expect(await codes().look(ben, code)).toEqual(wrong(4));
      expect(await codes().redeem(cat, code)).toEqual(wrong(4));
    });

    it('are good for ten minutes', async () => {
      const { code } = await codes().issue(ann);
      time += 10 * MINUTE - 1;
      expect((await codes().look(ben, code)).type).toBe('found');
      time += 1;
      expect(await codes().look(ben, code)).toEqual(wrong(4));
      expect(await codes().redeem(ben, code)).toEqual(wrong(3));
    });

    it('are worth nothing once there is a newer one of the same person', async () => {
      const old = await codes().issue(ann);
      const other = await codes().issue(cat);
      const young = await elsewhere().issue(ann);
      expect(await codes().redeem(ben, old.code)).toEqual(wrong(4));
      expect(await codes().redeem(ben, young.code)).toEqual({ type: 'found', issuer: ann });
      expect(await codes().redeem(ben, other.code)).toEqual({ type: 'found', issuer: cat });
    });

    it('are one for each person at any moment, also when a process dies while it makes a new one', async () => {
      for (const [writes, good] of [
        [1, true],
        [2, true],
        [3, false],
      ] as const) {
        const { code } = await codes().issue(ann);
        const dying = createLinkCodes({ state: dyingAt(opened.state, writes), now: () => time });
        await expect(dying.issue(ann)).rejects.toThrow('killed');
        expect((await codes().look(person(`reader ${writes}`), code)).type).toBe(good ? 'found' : 'wrong');
        expect((await codes().redeem(person(`user ${writes}`), code)).type).toBe(good ? 'found' : 'wrong');
      }
    });

    it('do not link an account with itself, which is no guess either', async () => {
      const { code } = await codes().issue(ann);
      for (let n = 0; n < 6; n += 1) expect(await codes().redeem(ann, code)).toEqual({ type: 'own' });
      expect(await codes().redeem(ben, code)).toEqual({ type: 'found', issuer: ann });
    });

    it('are found by one of many who use one at the same moment', async () => {
      const { code } = await codes().issue(ann);
      const people = Array.from({ length: 20 }, (_, n) => person(`p${n}`));
      const found = await Promise.all(
        people.map((one, n) => (n % 2 === 0 ? codes() : elsewhere()).redeem(one, code)),
      );
      expect(found.filter(({ type }) => type === 'found')).toHaveLength(1);
      expect(found.filter(({ type }) => type === 'wrong')).toHaveLength(19);
    });

    it('cannot be guessed: after five wrong ones not even the right one helps for an hour', async () => {
      const { code } = await codes().issue(ann);
      expect(await codes().look(ben, 'AAAA-AAAA')).toEqual(wrong(4));
      time += MINUTE;
      const until = new Date(time + 59 * MINUTE).toISOString();
      expect(await elsewhere().redeem(ben, 'BBBB-BBBB')).toEqual(wrong(3));
      expect(await codes().look(ben, '')).toEqual(wrong(2));
      expect((await codes().look(ben, code)).type).toBe('found');
      expect(await codes().look(ben, 'CCCC-CCC')).toEqual(wrong(1));
      expect(await codes().look(ben, '🦊')).toEqual(wrong(0));
      expect(await codes().look(ben, code)).toEqual({ type: 'locked', until });
      expect(await elsewhere().redeem(ben, code)).toEqual({ type: 'locked', until });
      // Nobody else is kept out.
      expect((await codes().look(cat, code)).type).toBe('found');
      time += 59 * MINUTE;
      const later = await codes().issue(ann);
      expect((await codes().look(ben, later.code)).type).toBe('found');
      expect(await codes().look(ben, 'DDDD-DDDD')).toEqual(wrong(0));
      expect((await codes().look(ben, later.code)).type).toBe('locked');
    });

    it('cannot be guessed by asking many times at once', async () => {
      const guesses = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? codes() : elsewhere()).look(ben, `AAAA-AAA${n}`)),
      );
      expect(guesses.filter(({ type }) => type === 'wrong')).toHaveLength(5);
      expect(guesses.filter(({ type }) => type === 'locked')).toHaveLength(35);
    });

    it('stand nowhere in the state, and go with their person; wrong tries stay', async () => {
      const { code } = await codes().issue(ann);
      await codes().look(ann, 'AAAA-AAAA');
      const stored: string[] = [];
      for (const name of Object.keys(TABLES)) {
        for await (const row of opened.state.table<unknown>(name).entries()) stored.push(JSON.stringify(row));
      }
      expect(stored).toHaveLength(3);
      for (const text of [code, code.replace('-', '')]) expect(stored.join('\n')).not.toContain(text);
      expect(await eraseRows(opened.state, ann)).toBe(2);
      expect(await codes().look(ben, code)).toEqual(wrong(4));
      expect(await codes().look(ann, 'AAAA-AAAA')).toEqual(wrong(3));
    });
  });
}
