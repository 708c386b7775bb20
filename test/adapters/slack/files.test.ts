import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createDownloads } from '../../../src/adapters/slack/files.ts';
import { PersonError } from '../../../src/core/errors.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
});

interface Listening {
  origin: string;
  /** Path and authorization of every request. */
  requests: string[];
}

async function serve(listener: RequestListener): Promise<Listening> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.authorization}`);
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { origin: `http://127.0.0.1:${address.port}`, requests };
}

/** What comes of a file that Slack says is at this address. */
async function download(slack: Listening, address: string, mimetype = 'image/png'): Promise<Uint8Array> {
  const { download: fetchFile } = createDownloads({
    apiUrl: `${slack.origin}/api/`,
    apiOf: () => ({
      call: async () => ({ ok: true, file: { url_private_download: address, mimetype } }),
      hasRoom: () => true,
    }),
    tokenOf: async tenant => `token-of-${tenant}`,
  });
  const attachment = {
    name: 'a.png',
    mediaType: 'image/png',
    sizeBytes: 3,
    source: { tenant: 'T1', file: 'F1' },
  };
  return fetchFile(attachment, new AbortController().signal);
}

describe('a file download', () => {
  it('carries the token of the file’s own installation to Slack’s host', async () => {
    const slack = await serve((_, response) => response.end('abc'));
    expect(Buffer.from(await download(slack, `${slack.origin}/files/a.png`)).toString()).toBe('abc');
    expect(slack.requests).toEqual(['/files/a.png Bearer token-of-T1']);
  });

  it('goes to no other host, whatever Slack says the address is', async () => {
    const slack = await serve((_, response) => response.end('abc'));
    const elsewhere = await serve((_, response) => response.end('caught'));
    const addresses = [
      `${elsewhere.origin}/a.png`,
      'http://files.slack.com/a.png',
      'https://files.slack.com.evil.example/a.png',
      'https://files.slack.com:8443/a.png',
      'https://user@files.slack.com/a.png',
      'file:///etc/passwd',
      'nonsense',
    ];
    for (const address of addresses) {
      await expect(download(slack, address), address).rejects.toThrow(PersonError);
    }
    expect([...slack.requests, ...elsewhere.requests]).toEqual([]);
  });

  it('follows no redirect', async () => {
    const elsewhere = await serve((_, response) => response.end('caught'));
    const slack = await serve((_, response) => response.writeHead(302, { location: elsewhere.origin }).end());
    await expect(download(slack, `${slack.origin}/a.png`)).rejects.toThrow('I could not fetch it');
    expect(elsewhere.requests).toEqual([]);
  });

  it('does not take a sign-in page for the file', async () => {
    const slack = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    );
    await expect(download(slack, `${slack.origin}/a.png`)).rejects.toThrow('I could not fetch it');
    expect(Buffer.from(await download(slack, `${slack.origin}/a.html`, 'text/html')).toString()).toBe(
      '<html>',
    );
  });

  it('stops reading what is too large', async () => {
    let sent = 0;
    const slack = await serve((_, response) => {
      const chunk = Buffer.alloc(1_000_000);
      const more = () => {
        sent += chunk.length;
        if (!response.write(chunk)) response.once('drain', more);
        else setImmediate(more);
      };
      more();
      response.on('error', () => {});
    });
    await expect(download(slack, `${slack.origin}/a.png`)).rejects.toThrow('it is larger than 25 MB.');
    expect(sent).toBeLessThan(100_000_000);
  });
});
