/** Messages that somebody passes on: Slack attaches them to the message they are passed on with. Pure. */

import { z } from 'zod';

const file = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  title: z.string().nullish(),
  mimetype: z.string().nullish(),
  size: z.number().nullish(),
  mode: z.string().nullish(),
});

export type SlackFile = z.infer<typeof file>;
export const slackFiles = z.array(file);

const attachment = z.looseObject({
  /** Shared with Slack's own button; a pasted link to a message comes with the other. */
  is_share: z.boolean().nullish(),
  is_msg_unfurl: z.boolean().nullish(),
  text: z.string().nullish(),
  /** "[May 1st, 2026 4:04 PM] ben: the text" */
  fallback: z.string().nullish(),
  author_name: z.string().nullish(),
  author_subname: z.string().nullish(),
  files: slackFiles.nullish(),
});

export interface Shared {
  author: string;
  /** In Slack's markup. */
  text: string;
  files: SlackFile[];
}

/** What a message passes on. Previews of web pages and what apps attach are none of it. */
export function sharedIn(attachments: readonly unknown[]): Shared[] {
  return attachments.flatMap(raw => {
    const it = attachment.safeParse(raw).data;
    if (it === undefined || (it.is_share !== true && it.is_msg_unfurl !== true)) return [];
    const files = it.files ?? [];
    const text = [it.text, namesOf(files), it.fallback].find(words => (words ?? '').trim() !== '') ?? '';
    return [{ author: it.author_name || it.author_subname || 'a shared message', text, files }];
  });
}

/** What stands for files where they are not taken along: that they are there, and whose they are, must be known. */
export function namesOf(files: readonly SlackFile[]): string {
  return files.map(({ name, title }) => `[file: ${name ?? title ?? 'file'}]`).join('\n');
}
