import type { TasteTopic } from './vocabulary.ts';

/** One file each in the person's memory: `/sizes.md`, `/budget.md`, ... */
export type Topic = 'sizes' | 'budget' | TasteTopic | 'notes';

export const topics: readonly Topic[] = [
  'sizes',
  'budget',
  'brands',
  'colours',
  'materials',
  'style',
  'notes',
];

export type Attitude = 'likes' | 'avoids' | 'allergic to';

/** What a message asks of memory. Applying a change to memory that already agrees with it does nothing. */
export type Change =
  /** One value per key: `- shoe size: 9`, `- budget: $120`, `- name: Annie`. */
  | { type: 'set'; topic: 'sizes' | 'budget' | 'notes'; key: string; value: string }
  /**
   * With a value, only that value goes: "I don't wear a 9 any more" leaves a 10 alone. `guessed`: the person did not
   * say of what; one such change for each thing they may mean.
   */
  | { type: 'unset'; topic: 'sizes' | 'budget' | 'notes'; key: string; value?: string; guessed?: true }
  /** One attitude per thing, and per occasion where it is limited to one: `- avoids: wool`, `- likes for work: plain`. */
  | { type: 'taste'; topic: TasteTopic; attitude: Attitude; name: string; occasion?: string }
  /** Without an occasion, whatever it was limited to. */
  | { type: 'untaste'; name: string; attitudes: readonly Attitude[]; occasion?: string }
  | { type: 'note'; text: string }
  | { type: 'forget-topic'; topic: Topic }
  | { type: 'forget-attitude'; attitude: Attitude }
  /** Every line that has all of these words. */
  | { type: 'forget-words'; text: string }
  | { type: 'forget-all' };

export type Value = Extract<Change, { type: 'set' }>;

export const everyAttitude: readonly Attitude[] = ['likes', 'avoids', 'allergic to'];
export const againstIt: readonly Attitude[] = ['avoids', 'allergic to'];

/** True for a change that files something, false for one that takes something away. */
export function adds(change: Change): boolean {
  return change.type === 'set' || change.type === 'taste' || change.type === 'note';
}

/** The change that takes back what `change` would have filed; null when there is nothing to take back. */
export function undo(change: Change): Change | null {
  switch (change.type) {
    case 'set':
      return { type: 'unset', topic: change.topic, key: change.key, value: change.value };
    case 'taste':
      return {
        type: 'untaste',
        name: change.name,
        attitudes: [change.attitude],
        ...(change.occasion === undefined ? {} : { occasion: change.occasion }),
      };
    case 'note':
      return { type: 'forget-words', text: change.text };
    case 'unset':
    case 'untaste':
    case 'forget-topic':
    case 'forget-attitude':
    case 'forget-words':
    case 'forget-all':
      return null;
  }
}
