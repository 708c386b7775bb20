// The host attachments are downloaded from, on a port of its own as Discord's CDN is a host of its own. Its
// addresses are signed and expire (docs, reference, "Signed Attachment CDN URLs"): `ex` is when, in hex
// seconds, `hm` the signature. Afterwards the CDN answers 404; fetching the message again gives a fresh address.

import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from './clock.ts';
import type { State } from './state.ts';

export interface Cdn {
  /** Where the fake serves files, such as http://127.0.0.1:PORT. */
  readonly url: string;
  attachmentUrl(channelId: string, attachmentId: string, filename: string): string;
  stop(): Promise<void>;
}

export interface CdnOptions {
  ttlMs: number;
  /** Base that payloads name instead of the real one, for tests that map Discord's hosts to the fake. */
  publicUrl: string | undefined;
}

export async function createCdn(clock: Clock, state: State, options: CdnOptions): Promise<Cdn> {
  const secret = randomBytes(32);

  function sign(path: string, expires: string): string {
    return createHmac('sha256', secret).update(`${path}?${expires}`).digest('hex');
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const expires = url.searchParams.get('ex') ?? '';
    const [, kind, , attachmentId] = url.pathname.split('/');
    const stored = state.attachments.get(attachmentId ?? '');
    const isValid =
      kind === 'attachments' &&
      url.searchParams.get('hm') === sign(url.pathname, expires) &&
      Number.parseInt(expires, 16) * 1000 > clock.now();
    if (!stored || !isValid) {
      response.writeHead(404, { 'content-type': 'text/plain;charset=UTF-8' });
      response.end('This content is no longer available.');
      return;
    }
    const { data, contentType } = stored.attachment;
    response.writeHead(200, {
      'content-type': contentType ?? 'application/octet-stream',
      'content-length': data.length,
    });
    response.end(data);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    url,
    attachmentUrl(channelId, attachmentId, filename) {
      const path = `/attachments/${channelId}/${attachmentId}/${encodeURIComponent(filename)}`;
      const issued = Math.floor(clock.now() / 1000);
      const expires = (issued + Math.floor(options.ttlMs / 1000)).toString(16);
      return `${options.publicUrl ?? url}${path}?ex=${expires}&is=${issued.toString(16)}&hm=${sign(path, expires)}&`;
    },
    stop() {
      server.closeAllConnections();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}
