import { pipeline } from 'node:stream';
import { arrayBuffer, blob, text } from 'node:stream/consumers';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Dispatcher, request } from 'undici';

/**
 * `fetch` for the clients of Slack's and the agent service's APIs: what the global one does for a request with a plain
 * body, without its web streams. A turn makes six to eight requests and keeps one open for as long as the agent answers; with
 * this it takes a fifth less CPU. Anything else (a form, a stream, a `Request`) goes to the global one. Failures have the
 * names and messages of the global one's, which the clients know.
 */
export const apiFetch: typeof fetch = async (input, init = {}) => {
  const { body = null, signal = null, redirect = 'follow' } = init;
  const isPlain = body === null || typeof body === 'string' || body instanceof Uint8Array;
  if (input instanceof Request || !isPlain) return fetch(input, init);
  const url = String(input);
  const answer = await request(url, {
    method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
    headers: headersOf(init.headers),
    body,
    signal,
  }).catch((cause: unknown) => {
    throw failed('fetch failed', cause);
  });
  if (REDIRECTS.has(answer.statusCode) && redirect !== 'manual') {
    await answer.body.dump();
    if (redirect === 'error') throw failed('fetch failed', new Error('unexpected redirect'));
    return fetch(input, init);
  }
  const response: Pick<Response, Given> = new ApiResponse(url, answer);
  return response as Response;
};

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Not compressed: what comes is small, or a stream whose every word is waited for. */
function headersOf(given: RequestInit['headers']): Record<string, string> {
  const headers: Record<string, string> = {};
  const pairs = given instanceof Headers || Array.isArray(given) ? given : Object.entries(given ?? {});
  for (const [name = '', value] of pairs) headers[name.toLowerCase()] = String(value);
  headers['accept-encoding'] = 'identity';
  return headers;
}

function failed(message: string, cause: unknown): unknown {
  const aborted = cause instanceof Error && ['AbortError', 'TimeoutError'].includes(cause.name);
  return aborted ? cause : new TypeError(message, { cause });
}

type Body = Pick<Dispatcher.ResponseData['body'], 'text' | 'arrayBuffer' | 'blob'> &
  AsyncIterable<Uint8Array>;

/** Some servers compress whatever is asked of them. */
const DECODERS: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function decoded({ headers, body, statusCode }: Dispatcher.ResponseData): Body {
  const encoding = String(headers['content-encoding'] ?? '').toLowerCase();
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined || statusCode === 204 || statusCode === 304) return body;
  const plain = pipeline(body, decoder(), () => {});
  // What goes wrong reaches whoever reads; where nobody does, it is nobody's business.
  plain.on('error', () => {});
  return {
    text: () => text(plain),
    arrayBuffer: () => arrayBuffer(plain),
    blob: () => blob(plain),
    [Symbol.asyncIterator]: () => plain[Symbol.asyncIterator](),
  };
}

type Given = 'url' | 'status' | 'statusText' | 'headers' | 'ok' | 'text' | 'json' | 'arrayBuffer' | 'blob';
/** What the clients do not ask for. One that begins to is told, rather than go on with nothing. */
type Absent = Exclude<keyof Response, Given | 'body'> | 'bytes';

/** `body` can be iterated, as the clients do, and no more. */
class ApiResponse implements Pick<Response, Given> {
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers = new Headers();
  readonly body: AsyncIterable<Uint8Array> | null;
  readonly #body: Body;

  constructor(url: string, answer: Dispatcher.ResponseData) {
    const { statusCode, statusText, headers } = answer;
    this.url = url;
    this.status = statusCode;
    this.statusText = statusText;
    for (const [name, values = []] of Object.entries(headers)) {
      for (const value of [values].flat()) this.headers.append(name, value);
    }
    this.#body = decoded(answer);
    this.body = statusCode === 204 ? null : chunksOf(this.#body);
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  text(): Promise<string> {
    return whole(this.#body.text());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return whole(this.#body.arrayBuffer());
  }

  blob(): Promise<Blob> {
    return whole(this.#body.blob());
  }
}

const ABSENT: Record<Absent, true> = {
  bodyUsed: true,
  bytes: true,
  clone: true,
  formData: true,
  redirected: true,
  type: true,
};
for (const name of Object.keys(ABSENT)) {
  Object.defineProperty(ApiResponse.prototype, name, {
    get() {
      throw new Error(`a response of src/fetch.ts has no ${name}`);
    },
  });
}

async function whole<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw failed('terminated', cause);
  }
}

function chunksOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]();
      return {
        next: () => whole(chunks.next()),
        return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}
