import type { AgentFile } from '../agent-file.ts';
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

/** Where what a tool says comes from, as a person would name it; null: not from outside. */
export type SourceOf = (use: TrackedUse) => string | null;

/** What came from outside in a turn that began at `begunAt`: quoted words of other people, and what tools brought. */
export function foreignText(
  messages: readonly Message[],
  uses: Iterable<TrackedUse>,
  sourceOf: SourceOf,
  begunAt: string,
): ForeignText | null {
  const found: { since: string; source: string }[] = [];
  const byOthers = messages.flatMap(({ context }) => context.filter(({ own }) => own !== true));
  for (const author of new Set(byOthers.map(quote => quote.author))) {
    found.push({ since: begunAt, source: `what ${author} wrote` });
  }
  for (const use of uses) {
    const source = sourceOf(use);
    // A command can write what it has fetched before the agent has read any of it.
    const since = use.name === 'bash' ? use.usedAt : use.resultAt;
    if (source !== null && since !== null) found.push({ since, source });
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

/**
 * Web pages and searches, tools of other servers, and custom tools that say so; the shell where it has a way to other hosts,
 * because only the command could say whether it took it.
 */
export function sourcesOutside({ environment }: AgentFile, tools: CustomToolRegistry): SourceOf {
  const shellReachesOut = environment.networking === 'unrestricted' || environment.allowed_hosts.length > 0;
  return ({ name, input, server }) => {
    if (server !== undefined) return server;
    switch (name) {
      case 'web_search':
        return typeof input.query === 'string' ? `a web search for “${input.query}”` : 'a web search';
      case 'web_fetch':
        return `the page ${hostOf(input.url)}`;
      case 'bash':
        return shellReachesOut ? 'a command that may go online' : null;
      default:
        return tools.get(name)?.outside === true ? name.replace(/[-_]+/g, ' ') : null;
    }
  };
}

function hostOf(url: unknown): string {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).host : 'it opened';
}
