// The body of a message, read as in Discord's resources/message ("Create Message", "Edit Message"): content of
// up to 2,000 characters, embeds, components, files of up to 10 MiB, a nonce of up to 25 characters, and the
// flags each kind of request may set. Lengths are counted in UTF-16 units, the strictest of the ways a length
// can be read. Discord trims white space at both ends of the content, so the fake does too.

import { MessageFlags } from 'discord-api-types/v10';
import { ApiError, tooLarge } from '../api-error.ts';
import type { UploadedFile } from '../body.ts';
import { Form, isJson, type Json } from '../form.ts';
import { type AllowedMentions, readAllowedMentions } from '../mentions.ts';
import type { Attachment, Message } from '../state.ts';
import { readComponents } from './components.ts';
import { readEmbeds } from './embeds.ts';

export interface NewFile {
  filename: string;
  contentType: string | null;
  description: string | null;
  data: Buffer;
}

export interface MessageDraft {
  content: string;
  embeds: Json[];
  components: Json[];
  files: NewFile[];
  flags: number;
  tts: boolean;
  nonce: string | number | null;
  enforceNonce: boolean;
  allowed: AllowedMentions | undefined;
  replyTo: { messageId: string; failIfMissing: boolean } | null;
}

export interface MessagePatch {
  content: string;
  embeds: Json[];
  components: Json[];
  flags: number;
  /** The old attachments that stay. */
  kept: Attachment[];
  files: NewFile[];
  allowed: AllowedMentions | undefined;
  /** Whether the text changed hands at all: only then are mentions worked out anew. */
  touchesText: boolean;
}

const CREATE_FLAGS =
  MessageFlags.SuppressEmbeds | MessageFlags.SuppressNotifications | MessageFlags.IsComponentsV2;
const MAX_FILES = 10;
const MAX_REQUEST = 25 * 1024 * 1024;

/** `extraFlags` are those that this kind of request may set besides the usual ones. */
export function readMessageDraft(
  body: Json,
  uploads: readonly UploadedFile[],
  fileLimit: number,
  extraFlags = 0,
): MessageDraft {
  const form = new Form();
  const flags = (form.integer(body, 'flags', []) ?? 0) & (CREATE_FLAGS | extraFlags);
  const isV2 = (flags & MessageFlags.IsComponentsV2) !== 0;
  const content = form.string(body, 'content', [], { max: 2_000 })?.trim() ?? '';
  const files = readFiles(body, uploads, fileLimit);
  const embeds = readEmbeds(body, form, []);
  const names = new Set(files.map(file => file.filename));
  const components = readComponents(body, form, [], isV2, names);
  if (isV2) refuseLegacyFields(form, content, embeds, body);
  const { nonce } = body;
  if (nonce !== undefined && nonce !== null && typeof nonce !== 'string' && typeof nonce !== 'number') {
    form.fail(['nonce'], 'STRING_TYPE_CONVERT', 'Could not interpret the nonce.');
  }
  if (String(nonce ?? '').length > 25) {
    form.fail(['nonce'], 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
  }
  const draft: MessageDraft = {
    content,
    embeds,
    components,
    files,
    flags,
    tts: form.flag(body, 'tts', []),
    nonce: typeof nonce === 'string' || typeof nonce === 'number' ? nonce : null,
    enforceNonce: form.flag(body, 'enforce_nonce', []),
    allowed: readAllowedMentions(body, form),
    replyTo: readReply(body, form),
  };
  form.check();
  return draft;
}

export function readMessagePatch(
  body: Json,
  uploads: readonly UploadedFile[],
  fileLimit: number,
  message: Message,
): MessagePatch {
  const form = new Form();
  const wanted = form.integer(body, 'flags', []);
  const editable = MessageFlags.SuppressEmbeds | MessageFlags.IsComponentsV2;
  let flags = message.flags;
  if (wanted !== undefined) {
    flags = (flags & ~MessageFlags.SuppressEmbeds) | (wanted & editable);
  }
  const isV2 = (flags & MessageFlags.IsComponentsV2) !== 0;
  const content =
    body.content === undefined
      ? message.content
      : (form.string(body, 'content', [], { max: 2_000 })?.trim() ?? '');
  const files = readFiles(body, uploads, fileLimit);
  const kept = keptAttachments(body, message);
  const names = new Set([...kept, ...files].map(file => file.filename));
  const embeds = body.embeds === undefined ? message.embeds : readEmbeds(body, form, []);
  const components =
    body.components === undefined ? message.components : readComponents(body, form, [], isV2, names);
  if (isV2) refuseLegacyFields(form, content, embeds, body);
  const allowed = readAllowedMentions(body, form);
  form.check();
  if (kept.length + files.length > MAX_FILES) throw tooManyFiles();
  const touchesText = body.content !== undefined || (isV2 && body.components !== undefined);
  return { content, embeds, components, flags, kept, files, allowed, touchesText };
}

function refuseLegacyFields(form: Form, content: string, embeds: readonly Json[], body: Json): void {
  const used = [
    ['content', content !== ''],
    ['embeds', embeds.length > 0],
    ['sticker_ids', Array.isArray(body.sticker_ids) && body.sticker_ids.length > 0],
    ['poll', body.poll !== undefined && body.poll !== null],
  ] as const;
  for (const [field, isUsed] of used) {
    if (!isUsed) continue;
    form.fail(
      [field],
      'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2',
      `The '${field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`,
    );
  }
}

function readReply(body: Json, form: Form): MessageDraft['replyTo'] {
  if (!isJson(body.message_reference)) return null;
  const at = ['message_reference'];
  const messageId = form.string(body.message_reference, 'message_id', at, { required: true });
  if (messageId === undefined) return null;
  return { messageId, failIfMissing: body.message_reference.fail_if_not_exists !== false };
}

function readFiles(body: Json, uploads: readonly UploadedFile[], fileLimit: number): NewFile[] {
  if (uploads.length > MAX_FILES) throw tooManyFiles();
  const total = uploads.reduce((sum, upload) => sum + upload.data.length, 0);
  if (total > MAX_REQUEST || uploads.some(upload => upload.data.length > fileLimit)) throw tooLarge();
  const described = Array.isArray(body.attachments) ? body.attachments.filter(isJson) : [];
  return uploads.map(upload => {
    const meta = described.find(entry => String(entry.id) === String(upload.index));
    return {
      filename: typeof meta?.filename === 'string' ? meta.filename : upload.filename,
      contentType: upload.contentType,
      description: typeof meta?.description === 'string' ? meta.description : null,
      data: upload.data,
    };
  });
}

/** API v10: the `attachments` of an edit list all that stay; without the field everything stays. */
function keptAttachments(body: Json, message: Message): Attachment[] {
  if (!Array.isArray(body.attachments)) return message.attachments;
  const ids = new Set(body.attachments.filter(isJson).map(entry => String(entry.id)));
  return message.attachments.filter(attachment => ids.has(attachment.id));
}

function tooManyFiles(): ApiError {
  return new ApiError(400, 30015, 'Maximum number of attachments in a message reached (10)');
}
