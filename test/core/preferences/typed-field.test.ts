import { describe, expect, it } from 'vitest';
import { FIELDS, fieldsOf } from '../../../src/core/preferences/field-rules.ts';
import { typedField } from '../../../src/core/preferences/typed-field.ts';

const OWN = fieldsOf([
  { label: 'Week', hint: 'three runs', note: 'week', several: false },
  { label: 'Week plan', hint: 'long run on Sunday', note: 'week', several: true },
  { label: 'Budget', hint: 'a fee', note: 'club', several: false },
]);

describe('a usual fact that is typed', () => {
  it.each([
    ['shoe size 9', { shoe_size: '9' }],
    ['budget: $120', { budget: '$120' }],
    ['Brands avoided Nike, Zara', { brands_avoided: 'Nike, Zara' }],
    ['brands Nike', { brands_liked: 'Nike' }],
    ['brands you like Nike', { brands_liked: 'Nike' }],
    ['Materials to avoid, allergies wool', { materials_avoided: 'wool' }],
    ['colors –', { colours_liked: '' }],
  ])('“%s” is a field that comes with the bot', (words, values) => {
    expect(typedField(words, FIELDS)).toEqual(values);
  });

  it.each([
    ['week: three runs', { week: 'three runs' }],
    ['WEEK PLAN long run', { week_plan: 'long run' }],
    ['week_plan = long run', { week_plan: 'long run' }],
    ['budget 20', { budget: '20' }],
  ])('“%s” is one of the persona’s own', (words, values) => {
    expect(typedField(words, OWN)).toEqual(values);
  });

  it.each([
    ['hat 9', "I don't know that field. /preferences set lists them."],
    ['weekly 9', "I don't know that field. /preferences set lists them."],
    ['budget', 'What should it be? A dash clears the field; /preferences forget removes one thing in it.'],
  ])('“%s” is explained', (words, sentence) => {
    expect(typedField(words, [...FIELDS, ...OWN])).toBe(sentence);
  });

  it('is none where the persona does not ask for it', () => {
    expect(typedField('shoe size 9', OWN)).toContain("I don't know that field");
  });
});
