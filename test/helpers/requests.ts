import { subscribe } from 'node:diagnostics_channel';

const underWay = new Set<unknown>();
const requestOf = (message: unknown) => (message as { request: unknown }).request;
subscribe('undici:request:create', message => void underWay.add(requestOf(message)));
for (const end of ['undici:request:trailers', 'undici:request:error']) {
  subscribe(end, message => void underWay.delete(requestOf(message)));
}

/** Resolves when no HTTP request of this process waits for an answer. */
export async function noRequests(): Promise<void> {
  do await new Promise(resolve => setImmediate(resolve));
  while (underWay.size > 0);
}
