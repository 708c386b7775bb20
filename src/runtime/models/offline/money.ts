import { lookup } from './lookup.ts';

export interface Amount {
  /** In whole units of the currency: 120 for "$120", 1500 for "1.5k". */
  value: number;
  /** "$", "€", "CHF", ... or null when none was named. */
  currency: string | null;
  start: number;
  end: number;
}

const prefixes = lookup({
  $: '$',
  us$: '$',
  'us $': '$',
  ca$: 'CA$',
  c$: 'CA$',
  a$: 'A$',
  au$: 'A$',
  nz$: 'NZ$',
  hk$: 'HK$',
  r$: 'R$',
  '€': '€',
  '£': '£',
  '¥': '¥',
  '₹': '₹',
  '₩': '₩',
});

const words = lookup({
  dollar: '$',
  dollars: '$',
  buck: '$',
  bucks: '$',
  usd: '$',
  $: '$',
  euro: '€',
  euros: '€',
  eur: '€',
  '€': '€',
  pound: '£',
  pounds: '£',
  quid: '£',
  gbp: '£',
  '£': '£',
  yen: '¥',
  jpy: '¥',
  rupees: '₹',
  inr: '₹',
  chf: 'CHF',
  francs: 'CHF',
  sek: 'SEK',
  kronor: 'SEK',
  nok: 'NOK',
  dkk: 'DKK',
  kroner: 'kroner',
  cad: 'CA$',
  aud: 'A$',
  nzd: 'NZ$',
  pln: 'PLN',
  zloty: 'PLN',
  zł: 'PLN',
  czk: 'CZK',
  brl: 'R$',
  reais: 'R$',
});

/** Alternation of the words for currencies, for use inside other patterns. */
export const currencyWords =
  'dollars?|bucks?|euros?|pounds?|quid|yen|rupees|francs|kronor|kroner|zloty|reais';

const before =
  '(us ?\\$|ca\\$|c\\$|au?\\$|nz\\$|hk\\$|r\\$|[$€£¥₹₩]|(?:usd|eur|gbp|chf|cad|aud|sek|nok|dkk|pln|inr|jpy) ?)';
const digits = '(\\d{1,3}(?:[,. ]\\d{3})+(?:[.,]\\d{1,2})?|\\d{1,7}(?:[.,]\\d{1,2})?)';
const after = `(${[...words.keys()].map(word => word.replace('$', '\\$')).join('|')})(?![\\p{L}\\d])`;
const amount = new RegExp(
  `(?<![\\w.,])(?:${before}\\s?)?${digits}(\\s?k(?![\\w]))?(?:[\\s-]?${after})?(?![\\d%])`,
  'giu',
);

/** "euros" -> "€"; null for other words. */
export function currencyNamed(word: string): string | null {
  return words.get(word.toLowerCase()) ?? null;
}

/** Amounts of money, or bare numbers that could be one, in the order they stand in `text`. */
export function amountsIn(text: string): Amount[] {
  return [...text.matchAll(amount)].map(match => {
    const [whole, sign, number = '', thousand, word] = match;
    const key = (sign ?? '').trim().toLowerCase();
    const currency = prefixes.get(key) ?? words.get(key) ?? words.get((word ?? '').toLowerCase()) ?? null;
    const value = numberFrom(number) * (thousand === undefined ? 1 : 1000);
    return { value, currency, start: match.index, end: match.index + whole.length };
  });
}

/** "$1,200", "€80", "100 CHF", "49.90" */
export function money(value: number, currency: string | null): string {
  const decimals = Number.isInteger(value) ? 0 : 2;
  const number = value.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  if (currency === null) return number;
  return /^\p{L}+$/u.test(currency) ? `${number} ${currency}` : `${currency}${number}`;
}

/** Reads "1,200", "1.200", "1 200" and "49,90" alike: three digits after the last mark are thousands. */
function numberFrom(text: string): number {
  const [, whole = text, cents = ''] = /^(.*?)(?:[.,](\d{1,2}))?$/.exec(text) ?? [];
  return Number(`${whole.replace(/[., ]/g, '')}.${cents || '0'}`);
}
