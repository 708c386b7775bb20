import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiFetch } from '../src/fetch.ts';

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeEach(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise(resolve => server.close(resolve));
});

const both = [
  ['the global fetch', fetch],
  ['apiFetch', apiFetch],
] as const;

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.fail('it did not fail'),
    (error: Error) => error,
  );
}

describe.each(both)('%s', (_, fetching) => {
  it('sends method, headers and body, and gives status, headers and body', async () => {
    answer = async (request, response) => {
      const chunks = await request.toArray();
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.writeHead(418, 'Short and stout', {
        'request-id': 'req_1',
        'content-type': 'application/json',
      });
      response.end(
        JSON.stringify([request.method, request.headers['x-key'], Buffer.concat(chunks).toString()]),
      );
    };
    const headers = new Headers({ 'X-Key': 'k' });
    const response = await fetching(url, { method: 'POST', headers, body: 'grüße' });
    expect([response.status, response.ok, response.statusText]).toEqual([418, false, 'Short and stout']);
    expect([response.url, response.headers.get('request-id')]).toEqual([url, 'req_1']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.json()).toEqual(['POST', 'k', 'grüße']);
  });

  it('gives bytes as they are, and sends a form as one', async () => {
    answer = async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      response.end(Buffer.from([0, 255, body.includes('name="file"') ? 1 : 0]));
    };
    const form = new FormData();
    form.append('file', new Blob(['x']), 'x.txt');
    const response = await fetching(url, { method: 'POST', body: form });
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 1]);
    expect([...new Uint8Array(await (await (await fetching(url)).blob()).arrayBuffer())]).toEqual([
      0, 255, 0,
    ]);
  });

  it.each([200, 503])('understands an answer that comes compressed (%i)', async status => {
    answer = (_, response) => {
      response.writeHead(status, { 'content-encoding': 'gzip', 'content-type': 'application/json' });
      response.end(gzipSync('{"said":"grüße"}'));
    };
    expect(await (await fetching(url)).json()).toEqual({ said: 'grüße' });
    const chunks: Buffer[] = [];
    for await (const chunk of (await fetching(url)).body ?? []) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString()).toBe('{"said":"grüße"}');
  });

  it.each([200, 204, 503])('minds nothing of a compressed answer that nobody reads (%i)', async status => {
    const broken: unknown[] = [];
    const note = (error: unknown) => broken.push(error);
    process.on('uncaughtException', note);
    answer = (_, response) => {
      response.writeHead(status, { 'content-encoding': 'gzip' }).end();
    };
    const response = await fetching(url);
    expect(response.status).toBe(status);
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
    const left = await fetching(url);
    await (left.body as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator]().return?.();
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
    process.off('uncaughtException', note);
    expect(broken).toEqual([]);
  });

  it('says that nobody answers, that a body ends too early, and that a redirect is not wanted', async () => {
    answer = (request, response) => {
      if (request.url === '/there') return void response.writeHead(307, { location: '/here' }).end();
      if (request.url === '/here') return void response.end('here');
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
      setImmediate(() => response.destroy());
    };
    expect(await failureOf(fetching('http://127.0.0.1:1/'))).toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
    });
    expect(await failureOf(fetching(url).then(response => response.text()))).toMatchObject({
      name: 'TypeError',
      message: 'terminated',
    });
    const streamed = fetching(url).then(async ({ body }) => {
      for await (const _ of body ?? []);
    });
    expect(await failureOf(streamed)).toMatchObject({ name: 'TypeError', message: 'terminated' });
    expect(await failureOf(fetching(`${url}there`, { redirect: 'error' }))).toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
    });
    expect(await (await fetching(`${url}there`, { method: 'POST', body: 'x' })).text()).toBe('here');
  });

  it('gives a stream as it comes, and is called off before, while it is read, and by leaving it', async () => {
    let open = 0;
    answer = (_, response) => {
      open += 1;
      response.on('close', () => {
        open -= 1;
      });
      response.write('first');
    };
    const closed = async () => {
      while (open > 0) await new Promise(resolve => setImmediate(resolve));
    };
    expect(await failureOf(fetching(url, { signal: AbortSignal.abort() }))).toMatchObject({
      name: 'AbortError',
    });

    const called = new AbortController();
    const { body } = await fetching(url, { signal: called.signal });
    const reading = (async () => {
      const seen: string[] = [];
      for await (const chunk of body ?? []) {
        seen.push(Buffer.from(chunk).toString());
        called.abort();
      }
      return seen;
    })();
    expect(await failureOf(reading)).toMatchObject({ name: 'AbortError' });
    await closed();

    const left = await fetching(url);
    for await (const chunk of left.body ?? []) {
      expect(Buffer.from(chunk).toString()).toBe('first');
      break;
    }
    await closed();
  });
});

describe('apiFetch', () => {
  it('says so when it is asked for what it does not give', async () => {
    answer = (_, response) => response.end('{}');
    const response = await apiFetch(url);
    expect(() => response.clone()).toThrow('a response of src/fetch.ts has no clone');
    expect(() => response.bodyUsed).toThrow('has no bodyUsed');
    expect(await response.text()).toBe('{}');
  });
});
