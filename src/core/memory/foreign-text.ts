import type { Message } from '../message.ts';
import type { CustomToolRegistry } from '../turn/custom-tools.ts';
import type { TrackedUse } from '../turn/turn-state.ts';

/** Text by somebody else that the agent read in a turn. What it writes afterwards may not be the person's wish. */
export interface ForeignText {
  /** When the agent first had it, by the server's clock. */
  since: string;
  /** As a person would name them: "what Ben wrote", "the page example.com". */
  sources: string[];
}

/**
 * What came from outside in a turn that began at `begunAt`: quoted words of other people, web pages and searches,
 * tools of other servers, and custom tools that say so. Null when nothing did.
 */
export function foreignText(
  messages: readonly Message[],
  uses: Iterable<TrackedUse>,
  tools: CustomToolRegistry,
  begunAt: string,
): ForeignText | null {
  const found: { since: string; source: string }[] = [];
  const byOthers = messages.flatMap(({ context }) => context.filter(({ own }) => own !== true));
  for (const author of new Set(byOthers.map(quote => quote.author))) {
    found.push({ since: begunAt, source: `what ${author} wrote` });
  }
  for (const use of uses) {
    const source = sourceOf(use, tools);
    if (source !== null && use.resultAt !== null) found.push({ since: use.resultAt, source });
  }
  const first = found.map(({ since }) => since).sort()[0];
  return first === undefined
    ? null
    : { since: first, sources: [...new Set(found.map(({ source }) => source))] };
}

/** Both of them, where there are two. */
export function withMore(one: ForeignText | null, other: ForeignText | null): ForeignText | null {
  if (one === null || other === null) return one ?? other;
  const since = one.since < other.since ? one.since : other.since;
  return { since, sources: [...new Set([...one.sources, ...other.sources])] };
}

function sourceOf(use: TrackedUse, tools: CustomToolRegistry): string | null {
  if (use.server !== undefined) return use.server;
  switch (use.name) {
    case 'web_search':
      return typeof use.input.query === 'string' ? `a web search for “${use.input.query}”` : 'a web search';
    case 'web_fetch':
      return `the page ${hostOf(use.input.url)}`;
    default:
      return tools.get(use.name)?.outside === true ? use.name.replace(/[-_]+/g, ' ') : null;
  }
}

function hostOf(url: unknown): string {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).host : 'it opened';
}
