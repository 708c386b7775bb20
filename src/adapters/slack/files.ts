import { z } from 'zod';
import { PersonError } from '../../core/errors.ts';
import type { Attachment } from '../../core/message.ts';
import { inTime } from '../../core/patience.ts';
import { readAttachment } from '../../core/reply/bounded-bytes.ts';
import { createSlackHosts } from './connection/slack-hosts.ts';
import type { SlackApi } from './connection/web-client.ts';

const source = z.object({ tenant: z.string(), file: z.string() });

const fileInfo = z.looseObject({
  file: z.looseObject({
    mode: z.string().nullish(),
    is_external: z.boolean().nullish(),
    size: z.number().nullish(),
    url_private: z.string().nullish(),
    url_private_download: z.string().nullish(),
    mimetype: z.string().nullish(),
    name: z.string().nullish(),
  }),
});

const TIMEOUT_MS = 60_000;
const IDENTIFY_MS = 1_000;
const REFUSED = 'I could not fetch it from Slack. Please share it again.';

export interface Downloads {
  /** Fills in what an event leaves out about files from other organisations; as they are, when Slack takes long. */
  identify(tenant: string, attachments: Attachment[]): Promise<Attachment[]>;
  /** Rejects with a PersonError. The bot's token goes to Slack's file hosts and nowhere else. */
  download(attachment: Attachment, signal: AbortSignal): Promise<Uint8Array>;
}

export function createDownloads(deps: {
  apiUrl: string;
  apiOf(tenant: string): SlackApi;
  tokenOf(tenant: string): Promise<string>;
}): Downloads {
  const isSlack = createSlackHosts(deps.apiUrl);

  async function lookUp(tenant: string, id: string, signal?: AbortSignal) {
    try {
      const limit = signal === undefined ? {} : { signal };
      return fileInfo.parse(await deps.apiOf(tenant).call('files.info', { file: id }, limit)).file;
    } catch (cause) {
      signal?.throwIfAborted();
      throw new PersonError(REFUSED, { cause });
    }
  }

  async function identified(tenant: string, attachment: Attachment): Promise<Attachment> {
    if (attachment.mediaType !== '') return attachment;
    const { file: id } = source.omit({ tenant: true }).parse(attachment.source);
    const file = await lookUp(tenant, id);
    return {
      ...attachment,
      name: file.name ?? attachment.name,
      mediaType: file.mimetype ?? '',
      sizeBytes: file.size ?? 0,
    };
  }

  return {
    identify: (tenant, attachments) =>
      Promise.all(
        attachments.map(attachment =>
          inTime(
            identified(tenant, attachment).catch(() => attachment),
            IDENTIFY_MS,
            attachment,
          ),
        ),
      ),

    async download(attachment, signal) {
      const { tenant, file: id } = source.parse(attachment.source);
      // Asked anew each time: the address may have changed, and the sharing may have ended.
      const file = await lookUp(tenant, id, signal);
      const address = file.url_private_download ?? file.url_private ?? '';
      if (file.is_external === true || file.mode === 'external' || !URL.canParse(address)) {
        throw new PersonError('it is kept outside of Slack, where I cannot read it.');
      }
      if (file.mode === 'tombstone') throw new PersonError('it was deleted.');
      const url = new URL(address);
      if (!isSlack(url)) throw new PersonError('it is kept outside of Slack, where I cannot read it.');
      return fetchFile(url, await deps.tokenOf(tenant), file.mimetype ?? attachment.mediaType, signal);
    },
  };
}

async function fetchFile(
  url: URL,
  token: string,
  mediaType: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      // A redirect is Slack's sign-in page, or leads away from Slack.
      redirect: 'manual',
      signal: limit,
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new PersonError(REFUSED, { cause });
  }
  const type = response.headers.get('content-type') ?? '';
  const signIn = type.startsWith('text/html') && !mediaType.startsWith('text/html');
  if (response.status !== 200 || signIn || response.body === null) {
    await response.body?.cancel();
    throw new PersonError(REFUSED);
  }
  return readAttachment(response.body);
}
