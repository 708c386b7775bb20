import { adds, type Change, everyAttitude } from './changes.ts';
import { isVague } from './corrections.ts';
import { same, valueSaid } from './entries.ts';
import { type Files, filedValue, thingsFiled } from './filing.ts';
import type { Outcome } from './saving.ts';
import { type Sensitive, sensitiveIn } from './secrets.ts';

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
  if (dropped.length > 0) sentences.push(`Removed from memory: ${listed(dropped)}.`);

  const already = known.filter(adds).map(change => asFiled(change, before));
  if (already.length > 0) sentences.push(`I already have that: ${listed(already)}.`);
  const weaker = outcomes.filter(outcome => outcome.status === 'outweighed');
  sentences.push(...new Set(weaker.map(({ change }) => allergyStays(change))));
  const absent = known.filter(change => !adds(change) && !wasMeant(change, saved, before));
  sentences.push(...new Set(absent.map(notThere)));

  if (failed.length > 0) {
    const what = listed(failed);
    const verb = failed.every(adds) ? 'Not saved' : failed.some(adds) ? 'Not changed' : 'Not removed';
    sentences.push(`${verb}: ${what}. ${why(obstacle, reason)}`);
  }
  const unnamed = kept.find(change => change.type === 'set' && isVague(change.key));
  if (unnamed) sentences.push('Tell me what that size is for, e.g. “shoe size 9”, and I will file it there.');
  return sentences;
}

/** What the person has to know when they asked to forget something and it is gone. */
export function afterForgetting(outcomes: readonly Outcome[]): string[] {
  const gone = outcomes
    .filter(({ status, change }) => status === 'saved' && !adds(change))
    .map(({ change }) => change);
  const [first, second] = gone;
  if (first === undefined) return [];
  const name = gone.some(({ type }) => type === 'forget-all') ? 'me' : second ? null : typed(first);
  const command = ['/preferences forget', ...(name === null ? [] : [name])].join(' ');
  return [
    `It is gone from your notes. Earlier versions still have it; “${command}” removes it from those as well.`,
  ];
}

/** What to type for it after "/preferences forget"; null where that is not to be repeated. */
function typed(change: Change): string | null {
  switch (change.type) {
    case 'unset':
      return nameOf(change);
    case 'untaste':
      return change.name;
    case 'forget-topic':
      return change.topic;
    case 'forget-words':
      return sensitiveIn(change.text) === null ? change.text : null;
    default:
      return null;
  }
}

const kinds: Record<Sensitive, string> = {
  card: 'card numbers',
  credential: 'passwords, codes or keys',
  identity: 'account or identity numbers',
  address: 'exact addresses',
  health: 'anything about health beyond materials you react to',
};

/** Says what is not kept, without repeating any of it. */
export function refusal(refused: readonly Sensitive[]): string[] {
  if (refused.length === 0) return [];
  const isSecret = refused.some(kind => kind !== 'health' && kind !== 'address');
  const advice = isSecret ? ' It is better not to send them in a chat.' : '';
  return [`I don't keep ${refused.map(kind => kinds[kind]).join(' or ')}, so that was not saved.${advice}`];
}

const mostQuoted = 3;

/** Names what nothing came of, so that nobody takes it for remembered. */
export function notUnderstood(unread: readonly string[]): string[] {
  if (unread.length === 0) return [];
  const quoted = unread.slice(0, mostQuoted).map(words => `“${shortened(words, 80)}”`);
  const more = unread.length > mostQuoted ? ' and more' : '';
  return [
    `I did not understand ${quoted.join(', ')}${more}, so I kept nothing of it. “Remember that …” keeps it in your own words.`,
  ];
}

function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1).trimEnd()}…` : text;
}

/** "shoe size 9", "you avoid wool", "the note “free returns”" */
function described(change: Change): string {
  switch (change.type) {
    case 'set':
      return change.key === 'name' ? `your name, ${change.value}` : valueSaid(change.key, change.value);
    case 'unset':
      return `your ${nameOf(change)}${change.value === undefined ? '' : ` ${change.value}`}`;
    case 'taste':
      return `you ${spoken[change.attitude]} ${change.name}${forOccasion(change)}`;
    case 'untaste':
      if (change.attitudes.length === everyAttitude.length) return `what you said about ${change.name}`;
      if (change.attitudes.length > 1) return `what you had against ${change.name}`;
      return `that you ${change.attitudes.map(attitude => spoken[attitude]).join()} ${change.name}${forOccasion(change)}`;
    case 'note':
      return `the note “${change.text}”`;
    case 'forget-topic':
      return `your ${change.topic}`;
    case 'forget-attitude':
      return `what you ${spoken[change.attitude]}`;
    case 'forget-words':
      return sensitiveIn(change.text) === null ? `“${change.text}”` : 'that';
    case 'forget-all':
      return 'everything about you';
  }
}

function listed(changes: readonly Change[]): string {
  return [...new Set(changes.map(described))].join('; ');
}

function nameOf({ key, guessed }: Extract<Change, { type: 'unset' }>): string {
  return guessed === true ? 'size' : key;
}

export const nothingKept = 'I had nothing in memory about you.';

/** Says no more than was looked for: who likes wool had nothing noted of avoiding it. */
function notThere(change: Change): string {
  if (change.type === 'untaste') {
    return change.attitudes.length === everyAttitude.length
      ? `I had not noted what you think of ${change.name}.`
      : change.attitudes.length > 1
        ? `I had nothing noted against ${change.name}.`
        : `I had not noted ${described(change)}.`;
  }
  if (change.type === 'forget-all') return nothingKept;
  if (change.type !== 'unset' || change.value === undefined)
    return `I had nothing in memory about ${described(change)}.`;
  return `I had no ${nameOf(change)} ${change.value} noted.`;
}

/** To avoid what one is allergic to is known, as the allergy. */
function asFiled(change: Change, files: Files): Change {
  if (change.type !== 'taste' || change.attitude !== 'avoids') return change;
  const isAllergy = thingsFiled(files, ['allergic to']).some(({ name }) => same(name, change.name));
  return isAllergy ? { ...change, attitude: 'allergic to' } : change;
}

/** Who says that they like what they are allergic to may mean only its look. */
function allergyStays(change: Change): string {
  const name = change.type === 'taste' || change.type === 'untaste' ? change.name : '';
  const liked = change.type === 'taste' ? `I did not note that you like ${name}` : 'I changed nothing';
  return `You are allergic to ${name}, so ${liked}. If the allergy is gone, say “I'm no longer allergic to ${name}”.`;
}

/** True for a guess beside the one that was right. */
function wasMeant(change: Change, saved: readonly Change[], before: Files): boolean {
  if (change.type !== 'unset' || change.guessed !== true) return false;
  const { value = '' } = change;
  return saved.some(
    other =>
      (other.type === 'unset' && other.value === value) ||
      (other.type === 'set' && same(filedValue(before, other.key) ?? '', value)),
  );
}

/** " for work", or nothing. */
export function forOccasion({ occasion }: { occasion?: string | undefined }): string {
  return occasion === undefined ? '' : ` for ${occasion}`;
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
  return `The memory tool said: ${shortened(said, 240)}`;
}
