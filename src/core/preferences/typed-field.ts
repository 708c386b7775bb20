/** A usual fact as people type it: "shoe size 9". Pure. */

import type { FieldName } from '../message.ts';
import { type FieldRule, valuesIn } from './field-rules.ts';

/** What people call the fields that come with the bot; the longer names first. */
const PATTERNS: readonly { name: FieldName; pattern: RegExp }[] = [
  { name: 'shoe_size', pattern: /^shoes?(?:[ _]size)?\b/i },
  { name: 'clothing_sizes', pattern: /^(?:cloth(?:es|ing)(?:[ _]sizes?)?|sizes?)\b/i },
  { name: 'budget', pattern: /^budget\b/i },
  {
    name: 'brands_avoided',
    pattern: /^(?:brands?[ _](?:avoided|to avoid|you avoid)|avoid(?:ed)? brands?)\b/i,
  },
  { name: 'brands_liked', pattern: /^(?:brands?(?:[ _](?:liked|you like))?|liked brands?)\b/i },
  { name: 'materials_avoided', pattern: /^(?:materials?(?:[ _](?:avoided|to avoid))?|allerg(?:y|ies))\b/i },
  { name: 'colours_liked', pattern: /^colou?rs?(?:[ _](?:liked|you like))?\b/i },
  { name: 'style', pattern: /^style\b/i },
];

/** The values it sets; a sentence where it sets none. A dash as the value forgets the field. */
export function typedField(words: string, fields: readonly FieldRule[]): Record<string, string> | string {
  const found = asLabelled(words, fields) ?? asKnown(words, fields);
  if (found === null) return "I don't know that field. /preferences set lists them.";
  const value = found.rest.replace(/^\s*[:=]/, '').trim();
  if (value === '')
    return 'What should it be? A dash clears the field; /preferences forget removes one thing in it.';
  if (/^[-–—]$/.test(value)) return { [found.name]: '' };
  return { [found.name]: found.allergic === true ? allergiesIn(value) : value };
}

/** One word for what is avoided and what one is allergic to would make the one of the other. */
function allergiesIn(value: string): string {
  return valuesIn(value)
    .map(it => (/^(?:i am |i'm )?allergic to /i.test(it) ? it : `allergic to ${it}`))
    .join(', ');
}

interface Found {
  name: string;
  rest: string;
  allergic?: boolean;
}

/** By the whole label, as the form has it; "Week plan" before "Week". */
function asLabelled(words: string, fields: readonly FieldRule[]): Found | null {
  const typed = words.toLowerCase();
  const called = fields.flatMap(({ name, label }) =>
    [label, name, name.replaceAll('_', ' ')].map(it => ({ name, it: it.toLowerCase() })),
  );
  const [longest] = called
    .filter(({ it }) => typed.startsWith(it) && /^(?:$|[\s:=])/.test(typed.slice(it.length)))
    .sort((a, b) => b.it.length - a.it.length);
  return longest === undefined ? null : { name: longest.name, rest: words.slice(longest.it.length) };
}

function asKnown(words: string, fields: readonly FieldRule[]): Found | null {
  const known = PATTERNS.find(
    ({ name, pattern }) =>
      pattern.test(words) && fields.some(field => field.own !== true && field.name === name),
  );
  if (known === undefined) return null;
  return { name: known.name, rest: words.replace(known.pattern, ''), allergic: /^allerg/i.test(words) };
}
