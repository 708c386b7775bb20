import { currencyWords } from './money.ts';

const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

const upToNineteen = small.slice(1).join('|');
const below100 = `(?:(?:${tens.join('|')})(?:[ -](?:${small.slice(1, 10).join('|')}))?|${upToNineteen})`;
const number = `(?:(?:a|${below100}) (?:hundred|thousand)(?: (?:and )?${below100})?|${below100})`;

/** Words before which or after which a number is a size or an amount; elsewhere "one of my favourites" stays as it is. */
const before =
  "\\b(?:sizes?|an?|is|are|wear|take|uk|us|eu|foot|feet|than|to|between|from|about|around|roughly|under|below|max|up to|of|spend|pay|have|budget|limit|actually|meant|make it|make that|no|it is|it's)[:,]?";
const inContext = new RegExp(
  `(${before}\\s+)(?!one\\b(?! hundred| thousand))(${number})\\b(?! of\\b)|\\b(${number})(?=[ -](?:${currencyWords}|foot|feet)\\b)`,
  'gi',
);

/** "size nine and a half" -> "size 9.5", "two hundred dollars" -> "200 dollars" */
export function withDigits(text: string): string {
  return text
    .replace(
      inContext,
      (_, lead: string | undefined, after: string | undefined, alone: string | undefined) => {
        return `${lead ?? ''}${numberIn(after ?? alone ?? '')}`;
      },
    )
    .replace(/(\d)\s*½/g, '$1.5')
    .replace(/(\d) (?:and (?:a )?half|1\/2)(?!\d)/g, '$1.5');
}

function numberIn(words: string): number {
  let value = 0;
  for (const word of words.toLowerCase().split(/[ -]+|\band\b/)) {
    if (word === 'hundred') value = Math.max(value, 1) * 100;
    else if (word === 'thousand') value = Math.max(value, 1) * 1000;
    else if (tens.includes(word)) value += (tens.indexOf(word) + 2) * 10;
    else if (small.includes(word)) value += small.indexOf(word);
  }
  return value;
}
