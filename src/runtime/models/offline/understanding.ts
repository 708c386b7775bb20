import type { Change, Value } from './changes.ts';
import { correctionOf } from './corrections.ts';
import { forgetTarget, forgotten } from './forgetting.ts';
import { type Sensitive, sensitiveIn } from './secrets.ts';
import { oneLine, readSentences, type Sentence, tellsToChange, unprefaced } from './sentences.ts';
import { after, atFirst, introduction, statedIn, tellsOfOther, valuesOf } from './statements.ts';

export interface Understanding {
  /** In the order they were said. */
  changes: Change[];
  /** Kinds of things the person told that are not kept. */
  refused: Sensitive[];
  /** "Forget ..." was said, rather than that something is no longer so. */
  forgets: boolean;
  /** "Forget it", with nothing said about what. */
  unclearForget: boolean;
  /** "Remember that she wears a 6": nobody would know later who that is. */
  unnamed: boolean;
  /** Something was stated about someone else, which is not learned. */
  aboutOthers: boolean;
  /** What they said of themselves that no rule made anything of, in about their words. */
  unread: string[];
  /** Sentences that ask to remember or to forget, as written: no questions, though they may look like one. */
  orders: string[];
  /** True when a text was so long that only its beginning was read. */
  cut: boolean;
}

/** Characters of one text that are read for facts: people state them briefly, and pasted pages are not theirs. */
const longest = 4000;

/** What was said just before, which "actually, make that 9.5" or "I wear size 9" may be about. */
export interface Before {
  values: readonly Value[];
  shoes: boolean;
}

const nothingBefore: Before = { values: [], shoes: false };

/** What a person's own words ask of memory. Pure; never throws. */
export function understand(texts: readonly string[], earlier: Before = nothingBefore): Understanding {
  const result: Understanding = {
    changes: [],
    refused: [],
    forgets: false,
    unclearForget: false,
    unnamed: false,
    aboutOthers: false,
    unread: [],
    orders: [],
    cut: false,
  };
  for (const text of texts) {
    result.cut ||= text.length > longest;
    const shoes = earlier.shoes || mentionsShoes(text);
    let so = atFirst;
    // "I adore wool. Not.", "/s", "jk": what was meant is not what was said.
    if (/(?:^|\s)(?:\/s|jk|just kidding)[\s.!)]*$/i.test(text)) continue;
    let saidBefore = 0;
    for (const sentence of readSentences(text.slice(0, longest))) {
      if (/^not$/i.test(sentence.raw)) {
        result.changes.splice(saidBefore);
        continue;
      }
      saidBefore = result.changes.length;
      const sensitive = sensitiveIn(sentence.raw);
      const forget = forgetTarget(sentence.raw);
      if (sensitive !== null && sensitive !== 'health' && forget === null) {
        refuse(result, sensitive);
        continue;
      }
      const note = forget === null ? noteIn(sentence) : null;
      if (forget !== null || note !== null || tellsToChange(sentence.raw)) result.orders.push(sentence.raw);
      if (forget !== null) {
        // "Forget my shoe size, I wear a 10": what comes after it is told.
        const [target = forget, told] = forget.split(/,\s+(?=(?:i|i'm|it is|it's|actually|now)\b)(.+)$/i);
        const changes = forgotten(target);
        result.forgets = true;
        if (changes === null) result.unclearForget = true;
        else result.changes.push(...changes);
        for (const clause of readSentences(told ?? '').flatMap(({ clauses }) => clauses))
          result.changes.push(...statedIn(clause, shoes, so).changes);
        continue;
      }
      if (note !== null) {
        remember(note, shoes, result);
        continue;
      }
      const corrected = sentence.question
        ? null
        : correctionOf(sentence.raw, [...earlier.values, ...valuesOf(result.changes)]);
      if (corrected !== null) {
        result.changes.push(...corrected);
        continue;
      }
      if (sensitive === 'health' && /\ballerg/i.test(sentence.raw)) refuse(result, 'health');
      for (const clause of sentence.clauses) {
        const { changes, unread } = statedIn(clause, shoes, so);
        result.changes.push(...changes);
        for (const words of unread) leaveOut(result, words);
        result.aboutOthers ||= !sentence.question && tellsOfOther(clause);
        so = after(so, clause, changes);
      }
    }
  }
  const sensitive = result.changes.map(sensitiveChange);
  for (const kind of sensitive) if (kind !== null) refuse(result, kind);
  result.changes = result.changes.filter((_, index) => sensitive[index] === null);
  return result;
}

/** True for "Hi, I'm Ann". */
export function introducesItself(text: string): boolean {
  return readSentences(text).some(({ clauses }) =>
    clauses.some(clause => introduction.test(clause.text.replace(/,.*/, ''))),
  );
}

export function mentionsShoes(text: string): boolean {
  return /\b(?:shoes?|boots?|sneakers?|trainers?|sandals?|heels|loafers?|feet)\b/i.test(text);
}

/** What is not to be kept is not to be repeated either. */
function leaveOut(result: Understanding, words: string): void {
  const sensitive = sensitiveIn(words);
  if (sensitive === null) result.unread.push(words);
  else refuse(result, sensitive);
}

const askToRemember =
  /^(?:remember|note(?: down| to (?:self|myself))?|keep in mind|bear in mind|make a note(?: of)?|take note(?: of)?|write down|jot down|don't (?:ever )?forget|do not forget)(?:\s+(?:the fact )?that\b|\s*[:,]|\s+this:)?\s+(.+)$/i;

/** What the person explicitly asks to remember, or null. "Do you remember my size?" asks for an answer instead. */
function noteIn(sentence: Sentence): string | null {
  const note = askToRemember.exec(unprefaced(sentence.raw))?.[1]?.trim();
  if (note === undefined) return null;
  if (
    /^(?:when|what|how|where|who|why|if|whether|me|us|this|that|it|you|everything|anything|please)\b(?!\s+\w+\s+(?:is|are)\b)/i.test(
      note,
    )
  )
    return null;
  return note.split(/\s+/).length >= 2 ? note : null;
}

/** Files an explicit "remember that ..." as facts where it states some, and in the person's words where not. */
function remember(note: string, shoes: boolean, result: Understanding): void {
  const sensitive = sensitiveIn(note);
  if (sensitive !== null) {
    refuse(result, sensitive);
    return;
  }
  if (/^(?:he|she|they|his|her|their)\b/i.test(note)) {
    result.unnamed = true;
    return;
  }
  const clauses = readSentences(note).flatMap(sentence => sentence.clauses);
  let so = atFirst;
  let understood = clauses.length > 0;
  for (const clause of clauses) {
    const stated = statedIn(clause, shoes, so);
    const { unread } = stated;
    // An event is kept in the words they chose for it.
    const changes = stated.changes.filter(({ type }) => type !== 'note');
    so = after(so, clause, changes);
    result.changes.push(...changes);
    if (changes.length === 0 ? !/^(?:(?:my|the|this|that) )?\S+$/i.test(clause.text) : unread.length > 0)
      understood = false;
  }
  if (!understood) result.changes.push({ type: 'note', text: oneLine(note) });
}

function refuse(result: Understanding, kind: Sensitive): void {
  if (!result.refused.includes(kind)) result.refused.push(kind);
}

/** A last look at what would be written, whichever rule it came from. */
function sensitiveChange(change: Change): Sensitive | null {
  if (change.type === 'set') return sensitiveIn(`${change.key}: ${change.value}`);
  if (change.type === 'note') return sensitiveIn(change.text);
  if (change.type !== 'taste') return null;
  return sensitiveIn(change.attitude === 'likes' ? change.name : `${change.attitude} ${change.name}`);
}
