import { isSamePerson, type Person, personKey } from '../message.ts';
import { type ClaimTimes, underClaim } from '../queue/claim.ts';
import type { State } from '../state/state.ts';

/**
 * Which accounts belong to one human. One of them, the owner, is who the memory is kept for; an account that is
 * linked with nobody is its own owner.
 */
export interface Accounts {
  /** One read: it is asked in every turn. */
  ownerOf(person: Person): Promise<Person>;
  /** Of whoever this account belongs to: the owner first, then the others as they came. */
  accountsOf(person: Person): Promise<Person[]>;
  /** Copy the memory first, under a hold on both: from here on `person` has that of `owner`. */
  join(owner: Person, person: Person): Promise<Joined>;
  /** What leaving would mean, for the memory to be copied before; null: linked with nobody. */
  leaving(person: Person): Promise<Leaving | null>;
  /** False, and nothing is changed, when it would now mean something else: ask again what. */
  leave(leaving: Leaving): Promise<boolean>;
  /** Finishes what a crash left half done. */
  resume(): Promise<void>;
}

export type Joined =
  | { type: 'joined' }
  /** It belongs to this owner, or is it. */
  | { type: 'already' }
  /** It has this other owner, or (then `owner` is itself) others belong to it. */
  | { type: 'elsewhere'; owner: Person }
  /** What was given as the owner belongs to this one. */
  | { type: 'not-owner'; owner: Person }
  | { type: 'full' };

export interface Leaving {
  leaver: Person;
  /** Whose memory they all have had. The owner keeps it, whoever leaves. */
  from: Person;
  /** Who gets a copy, and is an owner from then on: the leaver, or when the owner leaves, the oldest of the others. */
  to: Person;
  /** Who then has the copy, `to` first. */
  accounts: Person[];
}

/** With the owner. */
export const MAX_ACCOUNTS = 10;

/**
 * A row for each linked account, the owner's own with the list of the others. Who belongs where is what an
 * account's own row says; the list only finds them, and whoever stands in it without a row that says so counts for
 * nothing. So the list is written first when somebody joins and last when somebody leaves, and a crash in between
 * leaves a name that the next change removes.
 *
 * The owner's leaving takes several rows. It is decided by the one write of `heir`; until the rest has followed,
 * each account has the memory it had before or that of the heir, which is a copy.
 */
type Row =
  | { type: 'owner'; owner: Person; others: Person[]; heir?: Person }
  | { type: 'member'; owner: Person };

type OwnerRow = Extract<Row, { type: 'owner' }>;

/** Changes are rare and take milliseconds: one at a time, of all there are. */
const CLAIM = 'accounts';
const TIMES: ClaimTimes = { ttlMs: 20_000, pollMs: 50 };

export function createAccounts(state: State): Accounts {
  const linked = state.table<Row>('linked');
  const claims = state.table<string>('link-claim');
  const alone = <T>(work: () => Promise<T>) => underClaim(claims, CLAIM, TIMES, work);

  /** Under the claim nothing else changes; a process that slept through the end of its claim fails here. */
  async function swap(person: Person, before: Row | undefined, after: Row | null): Promise<void> {
    const key = personKey(person);
    if (before === undefined && after === null) return;
    const swapped =
      before === undefined
        ? after !== null && (await linked.insert(key, after))
        : await (after === null
            ? linked.replace(key, before, before, -1)
            : linked.replace(key, before, after));
    if (!swapped) throw new Error('linked accounts were changed by somebody else at the same time');
  }

  async function belongsTo(owner: Person, person: Person): Promise<boolean> {
    const row = await linked.get(personKey(person));
    return row?.type === 'member' && isSamePerson(row.owner, owner);
  }

  async function othersOf({ owner, others }: OwnerRow): Promise<Person[]> {
    const are = await Promise.all(others.map(person => belongsTo(owner, person)));
    return others.filter((_, index) => are[index]);
  }

  /** Under the claim: after what a crash left half done there is finished. */
  async function rowOf(person: Person): Promise<Row | undefined> {
    const row = await linked.get(personKey(person));
    let top = row;
    // Belonging to an heir that still belongs to the owner is the longest way there is.
    for (let step = 0; step < 2 && top?.type === 'member'; step += 1) {
      top = await linked.get(personKey(top.owner));
    }
    if (top?.type !== 'owner' || top.heir === undefined) return row;
    await handOver(top, top.heir);
    return linked.get(personKey(person));
  }

  /** The heir's own row comes last of the others', so that its list is right from its first moment. */
  async function handOver(row: OwnerRow, heir: Person): Promise<void> {
    const its = await linked.get(personKey(heir));
    // An heir that has been forgotten meanwhile has taken the copy along: then each goes on alone.
    const isThere = its !== undefined && (its.type === 'owner' || isSamePerson(its.owner, row.owner));
    const others: Person[] = [];
    for (const person of row.others) {
      const before = await linked.get(personKey(person));
      if (isSamePerson(person, heir) || before?.type !== 'member') continue;
      if (!isSamePerson(before.owner, row.owner) && !isSamePerson(before.owner, heir)) continue;
      others.push(person);
      await swap(person, before, isThere ? { type: 'member', owner: heir } : null);
    }
    if (isThere && its.type === 'member')
      await swap(heir, its, others.length === 0 ? null : { type: 'owner', owner: heir, others });
    await swap(row.owner, row, null);
  }

  async function meaningOf(leaver: Person, row: Row | undefined): Promise<Leaving | null> {
    if (row === undefined) return null;
    if (row.type === 'member') return { leaver, from: row.owner, to: leaver, accounts: [leaver] };
    const others = await othersOf(row);
    const [to] = others;
    return to === undefined ? null : { leaver, from: leaver, to, accounts: others };
  }

  return {
    async ownerOf(person) {
      const row = await linked.get(personKey(person));
      return row?.type === 'member' ? row.owner : person;
    },

    async accountsOf(person) {
      const row = await linked.get(personKey(person));
      if (row === undefined) return [person];
      const group = row.type === 'owner' ? row : await linked.get(personKey(row.owner));
      // An owner that was forgotten has no row; whoever still belongs to it is the last.
      if (group?.type !== 'owner') return [row.owner, person];
      return [group.owner, ...(await othersOf(group))];
    },

    join: (owner, person) =>
      alone(async () => {
        if (isSamePerson(owner, person)) return { type: 'already' };
        const its = await rowOf(person);
        const group = await rowOf(owner);
        if (group?.type === 'member') return { type: 'not-owner', owner: group.owner };
        if (its?.type === 'member')
          return isSamePerson(its.owner, owner)
            ? { type: 'already' }
            : { type: 'elsewhere', owner: its.owner };
        if (its !== undefined && (await othersOf(its)).length > 0)
          return { type: 'elsewhere', owner: person };
        const others = group === undefined ? [] : await othersOf(group);
        if (others.length + 2 > MAX_ACCOUNTS) return { type: 'full' };
        await swap(owner, group, { type: 'owner', owner, others: [...others, person] });
        await swap(person, its, { type: 'member', owner });
        return { type: 'joined' };
      }),

    leaving: person => alone(async () => meaningOf(person, await rowOf(person))),

    leave: planned =>
      alone(async () => {
        const { leaver } = planned;
        const row = await rowOf(leaver);
        const now = await meaningOf(leaver, row);
        if (row === undefined || now === null) return false;
        if (!isSamePerson(now.from, planned.from) || !isSamePerson(now.to, planned.to)) return false;
        if (row.type === 'owner') {
          const left: OwnerRow = { ...row, heir: now.to };
          await swap(leaver, row, left);
          await handOver(left, now.to);
          return true;
        }
        await swap(leaver, row, null);
        const group = await linked.get(personKey(row.owner));
        if (group?.type !== 'owner') return true;
        const others = await othersOf(group);
        await swap(group.owner, group, others.length === 0 ? null : { ...group, others });
        return true;
      }),

    resume: () =>
      alone(async () => {
        for await (const [, row] of linked.entries()) {
          if (row.type === 'owner' && row.heir !== undefined) await handOver(row, row.heir);
        }
      }),
  };
}
