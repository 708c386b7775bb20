/** Patterns with more alternatives than this are cut off by an error. */
const MAX_ALTERNATIVES = 256;

/**
 * A test for relative paths ("a/b.md"): `*` and `?` stay within a name, `**` as a whole part matches any number
 * of folders, `[abc]`, `[a-z]`, `[!a]` match one character, `{a,b}` either. Time is bounded by
 * pattern length × path length, unlike a pattern turned into a regular expression.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  const alternatives = expandBraces(pattern).map(text => text.split('/').map(compilePart));
  return path => {
    const names = path.split('/');
    return alternatives.some(parts =>
      matchSequence(
        parts,
        names,
        part => part === 'any',
        (part, name) => part !== 'any' && matchName(part, name),
      ),
    );
  };
}

type Token = { type: 'star' } | { type: 'one' } | { type: 'char'; char: string } | CharClass;
type CharClass = { type: 'class'; negated: boolean; ranges: [string, string][] };
/** One part between slashes; 'any' is `**`. */
type Part = 'any' | Token[];

function matchName(tokens: Token[], name: string): boolean {
  return matchSequence(tokens, [...name], token => token.type === 'star', matchChar);
}

function matchChar(token: Token, char: string): boolean {
  switch (token.type) {
    case 'star':
      return false;
    case 'one':
      return true;
    case 'char':
      return token.char === char;
    case 'class':
      return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.negated;
  }
}

/** Greedy with one point of return: a later star makes every earlier one irrelevant. */
function matchSequence<P, I>(
  pattern: readonly P[],
  items: readonly I[],
  isStar: (part: P) => boolean,
  matches: (part: P, item: I) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let star = -1;
  let starItem = 0;
  while (item < items.length) {
    const part = pattern[at];
    const current = items[item];
    if (part !== undefined && isStar(part)) {
      star = at;
      starItem = item;
      at += 1;
    } else if (part !== undefined && current !== undefined && matches(part, current)) {
      at += 1;
      item += 1;
    } else if (star !== -1) {
      at = star + 1;
      starItem += 1;
      item = starItem;
    } else {
      return false;
    }
  }
  return pattern.slice(at).every(isStar);
}

function compilePart(text: string): Part {
  if (text === '**') return 'any';
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    const close = char === '[' ? text.indexOf(']', at + 2) : -1;
    if (char === '*') {
      if (tokens.at(-1)?.type !== 'star') tokens.push({ type: 'star' });
    } else if (char === '?') tokens.push({ type: 'one' });
    else if (close !== -1) {
      tokens.push(compileClass(text.slice(at + 1, close)));
      at = close;
    } else if (char === '\\' && at + 1 < text.length) {
      at += 1;
      tokens.push({ type: 'char', char: text[at] ?? '' });
    } else {
      const whole = String.fromCodePoint(text.codePointAt(at) ?? 0);
      tokens.push({ type: 'char', char: whole });
      at += whole.length - 1;
    }
  }
  return tokens;
}

function compileClass(body: string): CharClass {
  const negated = body.startsWith('!') || body.startsWith('^');
  const ranges = [...body.slice(negated ? 1 : 0).matchAll(/(.)-(.)|(.)/gsu)].map(
    ([, from, to, single]): [string, string] =>
      single === undefined ? [from ?? '', to ?? ''] : [single, single],
  );
  return { type: 'class', negated, ranges };
}

/** "a.{md,txt}" → ["a.md", "a.txt"]; innermost braces first, a brace without a comma stays as it is. */
function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const open = [pattern];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    const group = /\{([^{}]*,[^{}]*)\}/.exec(text);
    if (group === null) done.push(text);
    else {
      const before = text.slice(0, group.index);
      const after = text.slice(group.index + group[0].length);
      for (const choice of (group[1] ?? '').split(',')) open.push(before + choice + after);
    }
    if (done.length + open.length > MAX_ALTERNATIVES) {
      throw new Error(`The pattern has more than ${MAX_ALTERNATIVES} alternatives`);
    }
  }
  return done;
}
