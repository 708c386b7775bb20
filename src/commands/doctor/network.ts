import type { ClockReadings } from './clock.ts';

/** How the doctor speaks to servers: each gets so long to answer, and its clock is read on the way. */
export interface Network {
  timeoutMs: number;
  clocks: ClockReadings;
  /** `who` as the report names them: "Slack". Null: this machine itself, whose clock proves nothing. */
  fetch(who: string | null): typeof fetch;
  /** For what is no HTTP. Rejects with a TimedOut; the work itself is not ended by that. */
  within<T>(work: Promise<T>): Promise<T>;
  /** Why there was no answer, to follow the server's name: "did not answer within 10 s". */
  reason(error: unknown): string;
}

class TimedOut extends Error {
  override readonly name = 'TimeoutError';
}

export function createNetwork(timeoutMs: number, clocks: ClockReadings): Network {
  return {
    timeoutMs,
    clocks,
    fetch: who => async (input, init) => {
      const given = init?.signal;
      const limit = AbortSignal.timeout(timeoutMs);
      const sentAt = Date.now();
      const response = await fetch(input, {
        ...init,
        signal: given === undefined || given === null ? limit : AbortSignal.any([given, limit]),
      });
      if (who !== null) clocks.note(who, response.headers.get('date'), sentAt);
      return response;
    },
    async within(work) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new TimedOut()), timeoutMs);
      });
      // Whoever comes second has nobody listening any more.
      work.catch(() => {});
      try {
        return await Promise.race([work, late]);
      } finally {
        clearTimeout(timer);
      }
    },
    reason(error) {
      const chain = causesOf(error);
      if (chain.some(it => /abort|time(d )?-?out/i.test(`${it.name} ${it.message} ${codeOf(it)}`))) {
        return `did not answer within ${timeoutMs / 1_000} s`;
      }
      const code = chain.map(codeOf).find(it => it !== '') ?? '';
      return REASONS[code] ?? (code === '' ? 'cannot be reached' : `cannot be reached (${code})`);
    },
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection: nothing listens there',
  ECONNRESET: 'closed the connection',
  UND_ERR_SOCKET: 'closed the connection',
  ENOTFOUND: 'cannot be found: the name does not resolve',
  EAI_AGAIN: 'cannot be found: names do not resolve right now',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a certificate that this machine does not trust',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a certificate that this machine does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate that this machine does not trust',
};

/** The error and what caused it, under the names that libraries give that. */
function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  let it = error;
  while (it instanceof Error && !chain.includes(it)) {
    chain.push(it);
    if (it instanceof AggregateError) chain.push(...it.errors.filter(one => one instanceof Error));
    it = it.cause ?? ('original' in it ? it.original : undefined);
  }
  return chain;
}

function codeOf(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : '';
}
