// files.info, files.getUploadURLExternal, files.completeUploadExternal (docs.slack.dev/reference/methods,
// docs.slack.dev/messaging/working-with-files): ask for an address, send the bytes there, then complete.

import { z } from 'zod';
import { threadRoot, writableChannel } from '../access.ts';
import { checkMessageBlocks } from '../content.ts';
import { fileObject, mayRead } from '../files.ts';
import { addMessage, announce } from '../messages.ts';
import { ApiError, botMethod, count, json, type Method, name, objects, optional } from '../method.ts';
import type { SlackFile } from '../world.ts';

const info = botMethod({
  name: 'files.info',
  tier: 4,
  scopes: ['files:read'],
  args: z.object({ file: name, cursor: optional, limit: count(1, 1_000) }),
  run({ core, installation }, args) {
    const file = core.world.files.get(args.file);
    if (file === undefined || !file.uploaded) throw new ApiError('file_not_found');
    if (!mayRead(core, installation, file)) throw new ApiError('not_visible');
    return { file: fileObject(core, file, 'api'), comments: [], response_metadata: { next_cursor: '' } };
  },
});

const getUploadUrl = botMethod({
  name: 'files.getUploadURLExternal',
  tier: 4,
  scopes: ['files:write'],
  args: z.object({
    filename: name,
    length: z.coerce.number().int(),
    alt_txt: z.string().max(1_000).optional(),
    snippet_type: optional,
  }),
  run({ core, installation }, args) {
    if (args.length <= 0) throw new ApiError('missing_argument');
    const file: SlackFile = {
      id: core.world.id('F'),
      team: installation.bot.team,
      name: args.filename,
      title: args.filename,
      mimetype: 'application/octet-stream',
      user: installation.bot.id,
      content: Buffer.alloc(0),
      created: core.clock.now(),
      externalUrl: undefined,
      stub: false,
      channels: new Set(),
      uploaded: false,
      length: args.length,
    };
    core.world.files.set(file.id, file);
    return { upload_url: `${core.origin}/upload/v1/${file.id}`, file_id: file.id };
  },
});

const completeUpload = botMethod({
  name: 'files.completeUploadExternal',
  tier: 4,
  scopes: ['files:write'],
  args: z.object({
    files: json(z.array(z.object({ id: name, title: optional })).min(1)),
    // Unlike chat.postMessage it takes no user's id for their DM.
    channel_id: z
      .string()
      .regex(/^[CGDZ][A-Z0-9]{8,}$/)
      .optional(),
    thread_ts: optional,
    initial_comment: optional,
    blocks: objects.optional(),
  }),
  errors: { blocks: 'invalid_blocks' },
  run({ core, installation }, args) {
    const files = args.files.map(({ id, title }) => {
      const file = core.world.files.get(id);
      const waits = file !== undefined && file.user === installation.bot.id && !file.uploaded;
      if (!waits || file.content.byteLength === 0) throw new ApiError('file_not_found');
      file.title = title ?? file.title;
      return file;
    });
    checkMessageBlocks(core, args.blocks ?? []);
    if (args.channel_id !== undefined) {
      const channel = writableChannel(core, installation, args.channel_id);
      if (args.thread_ts !== undefined) threadRoot(channel, args.thread_ts);
      const message = addMessage(core, channel, {
        author: { type: 'app', installation },
        text: args.initial_comment ?? '',
        blocks: args.initial_comment === undefined ? args.blocks : undefined,
        threadTs: args.thread_ts,
        subtype: 'file_share',
        files,
      });
      announce(core, message);
    }
    for (const file of files) file.uploaded = true;
    return { files: files.map(file => fileObject(core, file, 'api')) };
  },
});

export const fileMethods: readonly Method[] = [info, getUploadUrl, completeUpload];
