import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAccounts, MAX_ACCOUNTS } from '../../../src/core/linking/accounts.ts';
import type { Person } from '../../../src/core/message.ts';
import { eraseRows } from '../../../src/core/people/person-rows.ts';
import { dyingAt, type Opened, STATES } from './states.ts';

const person = (id: string): Person => ({ platform: 'test', workspace: 'W1', id, name: `${id} of W1` });
const [ann, ben, cat, dan] = ['ann', 'ben', 'cat', 'dan'].map(person) as [Person, Person, Person, Person];

for (const { label, reachable, open } of STATES) {
  describe.skipIf(!reachable)(`linked accounts in ${label}`, () => {
    let opened: Opened;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    const accounts = () => createAccounts(opened.state);
    const groupOf = async (one: Person) => (await accounts().accountsOf(one)).map(({ id }) => id).join(' ');
    const ownerOf = async (one: Person) => (await accounts().ownerOf(one)).id;
    /** Everybody who is asked agrees, and whoever is in a group has its first as the owner. */
    const groups = async (...people: Person[]) => {
      const all = new Set<string>();
      for (const one of people) {
        const ids = await groupOf(one);
        expect(ids.split(' ')[0]).toBe(await ownerOf(one));
        expect(ids.split(' ')).toContain(one.id);
        all.add(ids);
      }
      return [...all].sort();
    };
    const leave = async (one: Person) => {
      const leaving = await accounts().leaving(one);
      return leaving !== null && (await accounts().leave(leaving));
    };
    const rowCount = async () => {
      let count = 0;
      for await (const _row of opened.state.table('linked').entries()) count += 1;
      return count;
    };

    it('are each their own before they are linked', async () => {
      expect(await accounts().ownerOf(ann)).toEqual(ann);
      expect(await accounts().accountsOf(ann)).toEqual([ann]);
      expect(await accounts().leaving(ann)).toBeNull();
      expect(await rowCount()).toBe(0);
    });

    it('have one owner, and are listed as they came', async () => {
      expect(await accounts().join(ann, ben)).toEqual({ type: 'joined' });
      expect(await accounts().join(ann, cat)).toEqual({ type: 'joined' });
      expect(await accounts().join(ann, ben)).toEqual({ type: 'already' });
      expect(await accounts().join(ann, ann)).toEqual({ type: 'already' });
      expect(await groups(ann, ben, cat)).toEqual(['ann ben cat']);
      expect(await accounts().ownerOf(ben)).toEqual(ann);
    });

    it('belong to one group at a time', async () => {
      await accounts().join(ann, ben);
      await accounts().join(cat, dan);
      expect(await accounts().join(ann, dan)).toEqual({ type: 'elsewhere', owner: cat });
      expect(await accounts().join(ann, cat)).toEqual({ type: 'elsewhere', owner: cat });
      expect(await accounts().join(ben, person('eve'))).toEqual({ type: 'not-owner', owner: ann });
      expect(await groups(ann, ben, cat, dan)).toEqual(['ann ben', 'cat dan']);
      expect(await ownerOf(person('eve'))).toBe('eve');
    });

    it('are ten at most, however many come at once', async () => {
      const many = Array.from({ length: MAX_ACCOUNTS + 4 }, (_, n) => person(`p${n}`));
      const both = [createAccounts(opened.state), createAccounts(opened.another)];
      const joined = await Promise.all(many.map((one, n) => both[n % 2]?.join(ann, one)));
      expect(joined.filter(one => one?.type === 'joined')).toHaveLength(MAX_ACCOUNTS - 1);
      expect(joined.filter(one => one?.type === 'full')).toHaveLength(5);
      expect(await accounts().accountsOf(ann)).toHaveLength(MAX_ACCOUNTS);
      await leave((await accounts().accountsOf(ann))[1] ?? ann);
      expect(await accounts().join(ann, dan)).toEqual({ type: 'joined' });
    });

    it('that link to each other, or in a ring, at the same moment make no circle', async () => {
      const here = createAccounts(opened.state);
      const there = createAccounts(opened.another);
      await Promise.all([
        here.join(ann, ben),
        there.join(ben, ann),
        here.join(ben, cat),
        there.join(cat, dan),
        here.join(dan, ann),
      ]);
      for (const group of await groups(ann, ben, cat, dan)) {
        for (const id of group.split(' ')) expect(await groupOf(person(id))).toBe(group);
      }
    });

    it('go their own way, with the memory they had to be copied for them', async () => {
      await accounts().join(ann, ben);
      await accounts().join(ann, cat);
      expect(await accounts().leaving(ben)).toEqual({ leaver: ben, from: ann, to: ben, accounts: [ben] });
      expect(await leave(ben)).toBe(true);
      expect(await groups(ann, ben, cat)).toEqual(['ann cat', 'ben']);
      expect(await leave(cat)).toBe(true);
      expect(await rowCount()).toBe(0);
      expect(await accounts().join(cat, ann)).toEqual({ type: 'joined' });
    });

    it('get the oldest of them as owner when the owner goes', async () => {
      for (const one of [ben, cat, dan]) await accounts().join(ann, one);
      const leaving = await accounts().leaving(ann);
      expect(leaving).toEqual({ leaver: ann, from: ann, to: ben, accounts: [ben, cat, dan] });
      expect(await leave(ann)).toBe(true);
      expect(await groups(ann, ben, cat, dan)).toEqual(['ann', 'ben cat dan']);
      expect(await accounts().join(ann, person('eve'))).toEqual({ type: 'joined' });
      await leave(ben);
      await leave(cat);
      expect(await groups(ben, cat, dan)).toEqual(['ben', 'cat', 'dan']);
    });

    it('do not leave when it has come to mean something else', async () => {
      for (const one of [ben, cat]) await accounts().join(ann, one);
      const planned = await accounts().leaving(ann);
      await leave(ben);
      expect(planned === null || (await accounts().leave(planned))).toBe(false);
      expect(await groups(ann, cat)).toEqual(['ann cat']);
      const again = await accounts().leaving(cat);
      await leave(ann);
      expect(again === null || (await accounts().leave(again))).toBe(false);
      expect(await rowCount()).toBe(0);
    });

    it('are erased with the person, whose other accounts then go on alone', async () => {
      await accounts().join(ann, ben);
      await accounts().join(ann, cat);
      for (const one of (await accounts().accountsOf(ben)).reverse()) await eraseRows(opened.state, one);
      expect(await rowCount()).toBe(0);
      expect(await groups(ann, ben, cat)).toEqual(['ann', 'ben', 'cat']);
    });
  });
}

describe('a crash while accounts are linked', () => {
  const [sqlite] = STATES;
  const afterCrashAt = async (
    nth: number,
    before: (accounts: ReturnType<typeof createAccounts>) => Promise<unknown>,
    crashing: (accounts: ReturnType<typeof createAccounts>) => Promise<unknown>,
    then: (accounts: ReturnType<typeof createAccounts>) => Promise<unknown>,
  ) => {
    const opened = await sqlite?.open();
    if (opened === undefined) throw new Error('no SQLite');
    try {
      await before(createAccounts(opened.state));
      const crashed = await crashing(createAccounts(dyingAt(opened.state, nth))).then(
        () => false,
        () => true,
      );
      await then(createAccounts(opened.state));
      return crashed;
    } finally {
      await opened.close();
    }
  };

  it('while joining leaves either nothing or a link, and joining again works', async () => {
    let crashes = 0;
    for (let nth = 1; nth <= 3; nth += 1) {
      const crashed = await afterCrashAt(
        nth,
        async () => {},
        accounts => accounts.join(ann, ben),
        async accounts => {
          const owner = await accounts.ownerOf(ben);
          expect(await accounts.accountsOf(ben)).toEqual(owner.id === 'ann' ? [ann, ben] : [ben]);
          // A half-made link holds neither of them up elsewhere.
          if (owner.id === 'ben') expect(await accounts.join(cat, ann)).toEqual({ type: 'joined' });
          if (owner.id === 'ben') expect(await accounts.join(cat, ben)).toEqual({ type: 'joined' });
        },
      );
      if (crashed) crashes += 1;
    }
    expect(crashes).toBe(2);
  });

  it('while the owner leaves is finished at the next start, or by whoever comes first', async () => {
    const four = async (accounts: ReturnType<typeof createAccounts>) => {
      for (const one of [ben, cat, dan]) await accounts.join(ann, one);
    };
    const annLeaves = async (accounts: ReturnType<typeof createAccounts>) => {
      const leaving = await accounts.leaving(ann);
      if (leaving !== null) await accounts.leave(leaving);
    };
    const finishers: ((accounts: ReturnType<typeof createAccounts>) => Promise<unknown>)[] = [
      accounts => accounts.resume(),
      annLeaves,
      accounts => accounts.join(ben, person('eve')),
      accounts => accounts.join(ann, person('eve')),
      accounts => accounts.leaving(dan),
      accounts => accounts.leaving(cat),
    ];
    let crashes = 0;
    for (let nth = 2; nth <= 6; nth += 1) {
      for (const finish of finishers) {
        const crashed = await afterCrashAt(nth, four, annLeaves, async accounts => {
          for (const one of [ben, cat, dan]) {
            // Until then each has the memory it had, or its copy.
            expect(['ann', 'ben']).toContain((await accounts.ownerOf(one)).id);
          }
          await finish(accounts);
          for (const one of [ben, cat, dan]) {
            expect((await accounts.ownerOf(one)).id).toBe('ben');
            expect((await accounts.accountsOf(one)).filter(({ id }) => id !== 'eve')).toEqual([
              ben,
              cat,
              dan,
            ]);
          }
          expect(await accounts.ownerOf(ann)).toEqual(ann);
        });
        if (crashed) crashes += 1;
      }
    }
    expect(crashes).toBe(4 * finishers.length);
  });

  it('while another leaves takes it out, or leaves it in', async () => {
    for (let nth = 1; nth <= 3; nth += 1) {
      await afterCrashAt(
        nth,
        async accounts => {
          for (const one of [ben, cat]) await accounts.join(ann, one);
        },
        async accounts => {
          const leaving = await accounts.leaving(ben);
          if (leaving !== null) await accounts.leave(leaving);
        },
        async accounts => {
          const isOut = (await accounts.ownerOf(ben)).id === 'ben';
          expect(await accounts.accountsOf(ann)).toEqual(isOut ? [ann, cat] : [ann, ben, cat]);
          expect(isOut).toBe(nth > 1);
        },
      );
    }
  });
});
