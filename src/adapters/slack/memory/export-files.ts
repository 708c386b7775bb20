import { z } from 'zod';
import type { Log } from '../../../log.ts';
import { createSlackHosts } from '../connection/slack-hosts.ts';
import { type SlackApi, SlackRefusal, SlackUnreachable } from '../connection/web-client.ts';
import { QUIET } from '../reply/reply-blocks.ts';
import { sentenceMessage } from './views.ts';

export interface ExportFile {
  name: string;
  content: string;
}

/** A person's memory as a file, for their eyes only. */
export interface ExportFiles {
  /**
   * Sends it to the person's direct messages with the bot, whatever place they asked in. `not_allowed`: the
   * workspace has not granted files:write. `failed`: it may or may not have arrived.
   */
  send(
    to: { tenant: string; user: string },
    file: ExportFile,
    sentence: string,
  ): Promise<'sent' | 'not_allowed' | 'failed'>;
}

const TIMEOUT_MS = 60_000;

const ticket = z.looseObject({ upload_url: z.string(), file_id: z.string() });
/** D: a direct message. In any other place others could open the file. */
const posted = z.looseObject({ channel: z.string().regex(/^D/), ts: z.string() });

/** Neither message nor memory text may be in it. */
class UploadFailed extends Error {}

/**
 * docs.slack.dev/messaging/working-with-files: ask for an address, send the bytes there, then share the file. Its
 * channel has to be a channel's id; the message that goes first tells the one of the direct messages.
 */
export function createExportFiles(deps: {
  apiUrl: string;
  apiOf(tenant: string): SlackApi;
  log: Log;
}): ExportFiles {
  const isSlack = createSlackHosts(deps.apiUrl);

  async function upload(address: string, bytes: Buffer): Promise<void> {
    if (!URL.canParse(address) || !isSlack(new URL(address))) {
      throw new UploadFailed('Slack named an address that is not its own');
    }
    let status: number;
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(bytes),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      status = response.status;
    } catch (cause) {
      throw new UploadFailed('the upload was cut off', { cause });
    }
    if (status !== 200) throw new UploadFailed(`the upload was answered with ${status}`);
  }

  /** The message that introduces the file goes again when the file cannot follow. */
  async function share(api: SlackApi, user: string, fileId: string, { name }: ExportFile, sentence: string) {
    const message = { channel: user, ...sentenceMessage(sentence), ...QUIET };
    const { channel, ts } = posted.parse(await api.call('chat.postMessage', message));
    try {
      await api.call('files.completeUploadExternal', {
        files: [{ id: fileId, title: name }],
        channel_id: channel,
      });
    } catch (error) {
      if (error instanceof SlackRefusal) await api.call('chat.delete', { channel, ts });
      throw error;
    }
  }

  return {
    async send({ tenant, user }, file, sentence) {
      const api = deps.apiOf(tenant);
      const bytes = Buffer.from(file.content);
      try {
        const { upload_url, file_id } = ticket.parse(
          await api.call('files.getUploadURLExternal', { filename: file.name, length: bytes.byteLength }),
        );
        await upload(upload_url, bytes);
        await share(api, user, file_id, file, sentence);
        return 'sent';
      } catch (error) {
        const isOurs = error instanceof SlackRefusal || error instanceof SlackUnreachable;
        if (!isOurs && !(error instanceof UploadFailed) && !(error instanceof z.ZodError)) throw error;
        deps.log.warn(
          { event: 'slack.export_failed', tenant, err: error },
          'an export could not be sent as a file',
        );
        return error instanceof SlackRefusal && error.code === 'missing_scope' ? 'not_allowed' : 'failed';
      }
    },
  };
}
