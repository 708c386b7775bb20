/** What people dress for, by the name it is filed under. */
const names: Record<string, string> = {
  work: 'work|the office|office|business|business meetings?|meetings?',
  school: 'school|university|uni|college',
  sport: 'sports?|the gym|gym|working out|workouts?|training|yoga',
  running: 'running|jogging|runs',
  hiking: 'hiking|hikes|the mountains',
  travel: 'travell?ing|travel|trips|flights|the plane',
  weddings: 'weddings?',
  parties: 'part(?:y|ies)|going out|nights out|clubbing|dates?|date night',
  interviews: '(?:job )?interviews?',
  funerals: 'funerals?',
  church: 'church',
  holidays: 'holidays?|vacations?|the beach',
  home: 'home|lounging',
  summer: 'summer',
  winter: 'winter',
  spring: 'spring',
  autumn: 'autumn|fall',
  weekends: 'weekends?|the weekend',
  evenings: 'evenings?|dinners?',
  christmas: 'christmas|xmas',
  birthdays: 'birthdays?',
};
const pattern = Object.values(names).join('|');
const matchers = Object.entries(names).map(
  ([name, words]) => [name, new RegExp(`^(?:${words})$`, 'i')] as const,
);
const said = `(?:for|at|to|in|on|during)\\s+(?:(?:the|a|an|my|our)\\s+)?(?<occasion>${pattern})`;
const first = new RegExp(`^${said}(?:,|:)?\\s+(?=i\\b|my\\b|no\\b|nothing\\b)`, 'i');
const last = new RegExp(
  `(?<!\\b(?:except|but|not|unless|besides|than|from|go|goes|going|get|ride|drive|walk|travel|commute|way))\\s+${said}$`,
  'i',
);
const anywhere = new RegExp(`\\b${said}\\b`, 'i');

const events =
  'wedding|party|interview|funeral|graduation|prom|trip|holiday|vacation|christening|baptism|conference|ball|gala|festival|' +
  'ceremony|hike|marathon|race|cruise|concert|reunion|dinner';
const months =
  'january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec';
const days = '(?:mon|tues|wednes|thurs|fri|satur|sun)day';
const when = `(?:(?:in|on|at|this|next|early|late|the|of|end|beginning|mid|${months}|${days}|spring|summer|autumn|winter|week(?:end|s)?|months?|year|tomorrow|tonight|christmas|easter|\\d{1,4}(?:st|nd|rd|th)?|a|two|three|four)(?:[\\s-]+|$))+`;
const event = new RegExp(
  `\\b(?:(?:for|to|have|attending|at|got)\\s+(?:an?|the|(?<whose>(?:my|our)(?: \\w+'s?)?))|^(?<mine>my))\\s+(?<kind>(?:\\w+\\s+)?(?:${events}|birthday|anniversary))(?:\\s+is)?\\s+(?<when>${when})$`,
  'i',
);

const oneEvent = new RegExp(`^(?:${events})$`, 'i');
const eventAlone = new RegExp(`\\b(?:for|to) (?:an?|the|my|our)(?: \\w+'s?)? (?:\\w+ )?(${events})\\b`, 'i');

/** Behind "my sister": whose event it is does not say who dresses for it, unless presents are given. */
export const ofEvent = `(?:'s|s'|')? (?:\\w+ )?(?:${events})\\b`;

/** A clause without the occasion it limits itself to: "for work I like plain shirts" -> "I like plain shirts", "work". */
export function withoutOccasion(clause: string): { text: string; occasion: string | null } {
  const match = first.exec(clause) ?? last.exec(clause);
  const occasion = named(match?.groups?.occasion);
  if (match === null || occasion === null) return { text: clause, occasion: null };
  return { text: clause.slice(0, match.index) + clause.slice(match.index + match[0].length), occasion };
}

/** The occasion a text names; null where it names none. */
export function occasionIn(text: string): string | null {
  return named(anywhere.exec(text)?.groups?.occasion);
}

/** What is coming up, in the person's words: "my sister's wedding in June"; null where no time is said. */
export function eventIn(text: string): string | null {
  const { whose, kind, when } = event.exec(text)?.groups ?? {};
  if (kind === undefined || when === undefined) return null;
  return `${whose?.includes("'") ? `${whose} ` : ''}${kind} ${when.trim()}`;
}

/** That, or the event alone where no time is said; null where none is named. */
export function eventNamed(text: string): string | null {
  return eventIn(text) ?? eventAlone.exec(text)?.[1]?.toLowerCase() ?? null;
}

/** The occasion that a phrase is a name of; null for one that may be coming up, which is noted in the person's words. */
export function occasionCalled(phrase: string): string | null {
  return oneEvent.test(phrase) ? null : named(phrase);
}

function named(words: string | undefined): string | null {
  return words === undefined ? null : (matchers.find(([, matcher]) => matcher.test(words))?.[0] ?? null);
}
