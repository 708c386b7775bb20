import { PersonError } from '../../../core/errors.ts';
import type { Attachment } from '../../../core/message.ts';
import { readAttachment } from '../../../core/reply/bounded-bytes.ts';
import type { DiscordApi } from '../connection/api.ts';
import { attachmentSource } from './inbound.ts';
import { filesOf, readIncoming } from './incoming.ts';

const HOSTS = ['cdn.discordapp.com', 'media.discordapp.net'];
const TIMEOUT_MS = 60_000;

export interface Files {
  /** Rejects with a sentence for the person. */
  download(attachment: Attachment, signal: AbortSignal): Promise<Uint8Array>;
}

/**
 * Fetches attachments from Discord's own hosts, or from the host of DISCORD_API_URL, and from nowhere else. No
 * token goes along. Addresses expire after about a day (Discord, reference, "Signed Attachment CDN URLs"); the
 * message then has a fresh one.
 */
export function createFiles(deps: { api: DiscordApi; apiUrl: string | undefined; now: () => number }): Files {
  const ownHost = deps.apiUrl === undefined ? null : new URL(deps.apiUrl).hostname;

  function isAllowed(address: string): boolean {
    if (!URL.canParse(address)) return false;
    const { protocol, hostname } = new URL(address);
    if (ownHost !== null && isSameHost(hostname, ownHost))
      return protocol === 'http:' || protocol === 'https:';
    return protocol === 'https:' && HOSTS.includes(hostname);
  }

  async function get(address: string, signal: AbortSignal): Promise<Uint8Array | 'expired'> {
    if (!isAllowed(address)) throw new PersonError('it is not stored on Discord.');
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(address, { signal: limit, redirect: 'error' });
    if (response.status === 403 || response.status === 404) {
      await response.body?.cancel();
      return 'expired';
    }
    if (!response.ok || response.body === null)
      throw new PersonError('I could not get it from Discord. Please send it again.');
    return readAttachment(response.body);
  }

  /** The address the message has now; null when message or attachment are gone. */
  async function freshUrl(source: { channelId: string; messageId: string; attachmentId: string }) {
    try {
      const message = readIncoming(await deps.api.message(source.channelId, source.messageId));
      const files = message === null ? [] : filesOf(message);
      return files.find(({ id }) => id === source.attachmentId)?.url ?? null;
    } catch {
      return null;
    }
  }

  return {
    async download(attachment, signal) {
      const source = attachmentSource.parse(attachment.source);
      if (!isExpired(source.url, deps.now())) {
        const bytes = await get(source.url, signal);
        if (bytes !== 'expired') return bytes;
      }
      const url = await freshUrl(source);
      const bytes = url === null ? 'expired' : await get(url, signal);
      if (bytes === 'expired') throw new PersonError('it is no longer there.');
      return bytes;
    },
  };
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

function isSameHost(one: string, other: string): boolean {
  return one === other || (LOOPBACK.includes(one) && LOOPBACK.includes(other));
}

/** `ex` in a signed address is when it ends, in hexadecimal seconds. */
function isExpired(address: string, now: number): boolean {
  if (!URL.canParse(address)) return false;
  const seconds = Number.parseInt(new URL(address).searchParams.get('ex') ?? '', 16);
  return Number.isFinite(seconds) && seconds * 1_000 <= now;
}
