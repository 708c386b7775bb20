import { adds, type Change, everyAttitude } from './changes.ts';
import { type Files, filedValue } from './filing.ts';
import type { Outcome } from './saving.ts';
import type { Sensitive } from './secrets.ts';

/** Why nothing could be saved, when the reason is not a tool's own. */
export type Obstacle = 'no memory' | 'read only' | 'no tools';

/** What happened to everything the person told, from the tools' results alone. */
export function confirm(
  outcomes: readonly Outcome[],
  before: Files,
  obstacle: Obstacle | null,
  reason: string | null,
): string[] {
  const saved = outcomes.filter(outcome => outcome.status === 'saved').map(outcome => outcome.change);
  const known = outcomes.filter(outcome => outcome.status === 'known').map(outcome => outcome.change);
  const failed = outcomes.filter(outcome => outcome.status === 'failed').map(outcome => outcome.change);
  const sentences: string[] = [];

  const kept = saved.filter(adds);
  if (kept.length > 0) sentences.push(`Saved: ${kept.map(change => withOld(change, before)).join('; ')}.`);
  const dropped = saved.filter(change => !adds(change));
  if (dropped.length > 0) sentences.push(`Removed from memory: ${dropped.map(described).join('; ')}.`);

  const already = known.filter(adds);
  if (already.length > 0) sentences.push(`I already have that: ${already.map(described).join('; ')}.`);
  const absent = known.filter(change => !adds(change));
  if (absent.length > 0) sentences.push(`I had nothing in memory about ${absent.map(subject).join(', ')}.`);

  if (failed.length > 0) {
    const what = failed.map(described).join('; ');
    const verb = failed.every(adds) ? 'Not saved' : failed.some(adds) ? 'Not changed' : 'Not removed';
    sentences.push(`${verb}: ${what}. ${why(obstacle, reason)}`);
  }
  const unnamed = kept.find(change => change.type === 'set' && change.key === 'size');
  if (unnamed) sentences.push('Tell me what that size is for, e.g. “shoe size 9”, and I file it there.');
  return sentences;
}

const kinds: Record<Sensitive, string> = {
  card: 'card numbers',
  credential: 'passwords, codes or keys',
  identity: 'account or identity numbers',
  health: 'anything about health beyond materials you react to',
};

/** Says what is not kept, without repeating any of it. */
export function refusal(refused: readonly Sensitive[]): string[] {
  if (refused.length === 0) return [];
  const advice =
    refused.includes('health') && refused.length === 1 ? '' : ' Better not to send them in a chat.';
  return [
    `I don't keep ${refused.map(kind => kinds[kind]).join(' or ')}, so nothing of that was saved.${advice}`,
  ];
}

/** "shoe size 9", "you avoid wool", "the note “free returns”" */
function described(change: Change): string {
  switch (change.type) {
    case 'set':
      return change.key === 'name' ? `your name, ${change.value}` : `${change.key} ${change.value}`;
    case 'unset':
      return `your ${change.key}${change.value === undefined ? '' : ` ${change.value}`}`;
    case 'taste':
      return `you ${spoken[change.attitude]} ${change.name}`;
    case 'untaste':
      if (change.attitudes.length === everyAttitude.length) return `what you said about ${change.name}`;
      return `that you ${change.attitudes.includes('likes') ? 'like' : 'avoid'} ${change.name}`;
    case 'note':
      return `the note “${change.text}”`;
    case 'forget-topic':
      return `your ${change.topic}`;
    case 'forget-words':
      return `“${change.text}”`;
    case 'forget-all':
      return 'everything about you';
  }
}

function subject(change: Change): string {
  return change.type === 'untaste' ? change.name : described(change);
}

export const spoken = { likes: 'like', avoids: 'avoid', 'allergic to': 'are allergic to' } as const;

function withOld(change: Change, before: Files): string {
  const old = change.type === 'set' ? filedValue(before, change.key) : null;
  return old === null ? described(change) : `${described(change)} (was ${old})`;
}

function why(obstacle: Obstacle | null, reason: string | null): string {
  switch (obstacle) {
    case 'no memory':
      return 'There is no memory in this conversation, so I can only use it until we are done here.';
    case 'read only':
      return 'Your memory is read-only here, so I can only use it until we are done here.';
    case 'no tools':
      return 'I was not given the file tools I need to write to your memory.';
    case null:
      break;
  }
  if (reason === null) return 'I could not write it to your memory; please try again.';
  const said = reason.replace(/\s+/g, ' ').trim();
  const short = said.length > 240 ? `${said.slice(0, 239)}…` : said;
  return `The memory tool said: ${short}`;
}
