/** Who may run next, so that nobody's many conversations keep others waiting. */

import { personKeyOf } from '../message.ts';

/** How many conversations one process runs at the same time: in all, for one workspace, for one person. */
export interface Caps {
  total: number;
  workspace: number;
  person: number;
}

/** A workspace leaves a quarter to the others, because a turn that has begun is not taken back. */
export function capsOf({ total = 1_000, workspace, person = 10 }: Partial<Caps> = {}): Caps {
  return { total, workspace: workspace ?? Math.ceil(total * 0.75), person };
}

/** Whose a conversation is, read from its key (see conversationKey): platform, workspace, person, place. */
export interface Lanes {
  workspace: string;
  person: string;
}

export function lanesOf(conversation: string): Lanes {
  const [platform = '', workspace = ''] = conversation.split('/');
  return { workspace: `${platform}/${workspace}`, person: personKeyOf(conversation) };
}

/** What runs, against the caps. */
export class Slots {
  readonly #caps: Caps;
  readonly #workspaces = new Map<string, number>();
  readonly #people = new Map<string, number>();
  #taken = 0;

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  get taken(): number {
    return this.#taken;
  }

  get full(): boolean {
    return this.#taken >= this.#caps.total;
  }

  hasWorkspace(workspace: string): boolean {
    return (this.#workspaces.get(workspace) ?? 0) < this.#caps.workspace;
  }

  hasPerson(person: string): boolean {
    return (this.#people.get(person) ?? 0) < this.#caps.person;
  }

  take({ workspace, person }: Lanes): void {
    this.#change(workspace, person, 1);
  }

  give({ workspace, person }: Lanes): void {
    this.#change(workspace, person, -1);
  }

  #change(workspace: string, person: string, by: number): void {
    this.#taken += by;
    add(this.#workspaces, workspace, by);
    add(this.#people, person, by);
  }
}

/** Conversations that wait. Workspaces take turns, and within one its people; one person's go in order. */
export class FairQueue {
  /** Maps remember the order of insertion: whoever has just been served is put back at the end. */
  readonly #workspaces = new Map<string, Map<string, Set<string>>>();

  get size(): number {
    let size = 0;
    for (const people of this.#workspaces.values())
      for (const conversations of people.values()) size += conversations.size;
    return size;
  }

  get empty(): boolean {
    return this.#workspaces.size === 0;
  }

  /** One that waits already keeps its place. */
  add(conversation: string): void {
    const lanes = lanesOf(conversation);
    const people = this.#workspaces.get(lanes.workspace) ?? new Map<string, Set<string>>();
    this.#workspaces.set(lanes.workspace, people);
    people.set(lanes.person, (people.get(lanes.person) ?? new Set()).add(conversation));
  }

  /** The next for which there is a slot. */
  take(slots: Slots): string | undefined {
    if (slots.full) return undefined;
    for (const [workspace, people] of this.#workspaces) {
      if (!slots.hasWorkspace(workspace)) continue;
      for (const [person, conversations] of people) {
        if (!slots.hasPerson(person)) continue;
        const [first] = conversations;
        if (first === undefined) continue;
        conversations.delete(first);
        people.delete(person);
        if (conversations.size > 0) people.set(person, conversations);
        this.#workspaces.delete(workspace);
        if (people.size > 0) this.#workspaces.set(workspace, people);
        return first;
      }
    }
    return undefined;
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
