import { FAILURES } from './judge.ts';
import type { Options } from './options.ts';
import type { Outcome } from './run.ts';

const MOST_EXAMPLES = 5;

const WORDS: Record<(typeof FAILURES)[number], string> = {
  lost: 'lost',
  doubled: 'doubled',
  incomplete: 'incomplete',
  outOfOrder: 'out of order',
  crossTalk: 'cross-talk',
  noticesDoubled: 'notices doubled',
  memory: 'not kept once',
  stores: 'stores doubled',
  leaks: 'words in logs',
  otherWords: 'other words',
};

/** The seed and what was counted, for people. */
export function tableOf(options: Options, outcome: Outcome): string {
  const { verdict, counts } = outcome;
  const struck = Object.entries(outcome.struck).map(([kind, count]) => `${kind} ${count}`);
  const rows: [string, string | number][] = [
    ['seed', options.seed],
    ['layout', `${options.layout}, ${options.platform}`],
    ['seconds', outcome.seconds],
    ['kills', counts.kills],
    ['restarts', counts.rolls],
    ['failed starts', counts.failedStarts],
    ['went wrong', struck.join(', ')],
    ['accepted', verdict.accepted],
    ['answered', verdict.answered],
    ['turned away', verdict.refused],
    ...FAILURES.map((name): [string, number] => [WORDS[name], verdict[name].length]),
    ['crashes', counts.crashes],
    ['would not stop', counts.hung],
    ['notices never shown', verdict.noticesMissing],
    ['waits given up', outcome.impatient],
    ['memory', memoryOf(outcome)],
  ];
  const examples = FAILURES.flatMap(name =>
    verdict[name].slice(0, MOST_EXAMPLES).map(example => `  ${WORDS[name]}: ${example}`),
  );
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...examples,
    ...(outcome.folder === null ? [] : [`records: ${outcome.folder}`]),
  ].join('\n');
}

/** Of the bot's processes together. */
function memoryOf({ samples }: Outcome): string {
  const bots = samples.map(({ bot }) => bot).filter(bot => bot > 0);
  if (bots.length === 0) return 'unknown';
  const middle = bots[Math.floor(bots.length / 2)];
  return `${bots[0]} MB at first, ${middle} MB half way, ${bots.at(-1)} MB at the end, ${Math.max(...bots)} MB at most`;
}
