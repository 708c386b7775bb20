import { posix } from 'node:path';
import { z } from 'zod';
import { fsErrorCode } from './fs-error.ts';
import {
  absolute,
  type BuiltinTool,
  describeFailure,
  type ToolCall,
  type ToolContent,
  ToolFailure,
} from './tool.ts';

/** What one read may bring into the conversation. */
const MAX_READ_BYTES = 256 * 1024;
/** Limit of the Messages API for one image; documents are held to the same. */
const MAX_MEDIA_BYTES = 5 * 1024 * 1024;

const IMAGE_TYPES = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.gif', 'image/gif'],
  ['.webp', 'image/webp'],
]);

const filePath = z.string().min(1).describe('Absolute path, e.g. "/mnt/memory/notes/sizes.md"');

const readInput = z.object({
  file_path: filePath,
  view_range: z
    .array(z.int().min(-1).max(10_000_000))
    .length(2)
    .optional()
    .describe('[first_line, last_line], counted from 1, both included; -1 as last line means the end'),
});

/** Lines come numbered as `cat -n` numbers them (six columns and a tab), so that a view_range can be named. */
export const readTool: BuiltinTool<z.infer<typeof readInput>> = {
  description:
    'Reads a file. Text comes with line numbers, as from cat -n; images and PDF files are shown as such.',
  input: readInput,
  async run({ file_path, view_range }, call) {
    const path = absolute(file_path);
    const media = await readMedia(path, call);
    if (media !== undefined) return [media];

    const text = await readText(path, call);
    if (text === '') return '(the file is empty)';
    const lines = text.replace(/\n$/, '').split('\n');
    const [first, last] = lineRange(view_range, lines.length);
    const chosen = lines.slice(first - 1, last);
    const numbered = chosen.map((line, index) => `${String(first + index).padStart(6)}\t${line}`).join('\n');
    if (Buffer.byteLength(numbered) > MAX_READ_BYTES) {
      throw new ToolFailure(
        `${path} is too long to show at once (${lines.length} lines, at most ${MAX_READ_BYTES} bytes). Ask for a view_range.`,
      );
    }
    return numbered;
  },
};

const writeInput = z.object({ file_path: filePath, content: z.string().describe('The whole new content') });

export const writeTool: BuiltinTool<z.infer<typeof writeInput>> = {
  description: 'Creates a file, or replaces the whole content of one. Missing folders are made.',
  input: writeInput,
  async run({ file_path, content }, { sandbox }) {
    const path = absolute(file_path);
    try {
      await sandbox.write(path, content);
    } catch (error) {
      throw new ToolFailure(`Not written: ${describeFailure(error, path)}`);
    }
    return `Wrote ${Buffer.byteLength(content)} bytes to ${path}.`;
  },
};

const editInput = z.object({
  file_path: filePath,
  old_string: z.string().min(1).describe('Exact text to replace; must occur once unless replace_all is true'),
  new_string: z.string().describe('Text to put in its place'),
  replace_all: z.boolean().optional().describe('Replace every occurrence'),
});

export const editTool: BuiltinTool<z.infer<typeof editInput>> = {
  description: 'Replaces one piece of text in a file by another. The file must exist.',
  input: editInput,
  async run({ file_path, old_string, new_string, replace_all }, call) {
    const path = absolute(file_path);
    if (old_string === new_string)
      throw new ToolFailure('old_string and new_string are the same: nothing to do.');
    const text = await readText(path, call);

    // An edit that adds to its own old_string ("a" → "a, b") would add twice.
    if (call.repeated && new_string !== '' && text.includes(new_string)) {
      return `The runtime restarted during this call. ${path} already contains new_string, so nothing was changed.`;
    }
    const count = text.split(old_string).length - 1;
    if (count === 0)
      throw new ToolFailure(`old_string does not occur in ${path}. Read the file for its exact text.`);
    if (count > 1 && replace_all !== true) {
      throw new ToolFailure(
        `old_string occurs ${count} times in ${path}. Add the text around it, or set replace_all.`,
      );
    }
    try {
      await call.sandbox.write(path, text.split(old_string).join(new_string));
    } catch (error) {
      throw new ToolFailure(`Not changed: ${describeFailure(error, path)}`);
    }
    return `Replaced ${count === 1 ? 'one occurrence' : `${count} occurrences`} in ${path}.`;
  },
};

async function readText(path: string, { sandbox }: ToolCall): Promise<string> {
  const bytes = await readBytes(path, sandbox.fs);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ToolFailure(`${path} is not a text file.`);
  }
}

async function readBytes(path: string, fs: ToolCall['sandbox']['fs']): Promise<Uint8Array> {
  try {
    return await fs.readFileBuffer(path);
  } catch (error) {
    const hint = fsErrorCode(error) === 'EISDIR' ? ' Use glob to list what is in it.' : '';
    throw new ToolFailure(describeFailure(error, path) + hint);
  }
}

async function readMedia(path: string, { sandbox }: ToolCall): Promise<ToolContent | undefined> {
  const extension = posix.extname(path).toLowerCase();
  const imageType = IMAGE_TYPES.get(extension);
  if (imageType === undefined && extension !== '.pdf') return undefined;
  const bytes = await readBytes(path, sandbox.fs);
  if (bytes.length > MAX_MEDIA_BYTES)
    throw new ToolFailure(`${path} is too large to show (${bytes.length} bytes).`);
  const data = Buffer.from(bytes).toString('base64');
  return imageType === undefined
    ? { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } }
    : { type: 'image', source: { type: 'base64', media_type: imageType, data } };
}

function lineRange(range: number[] | undefined, count: number): [first: number, last: number] {
  const [first = 1, last = -1] = range ?? [];
  const end = last === -1 ? count : Math.min(last, count);
  if (first < 1 || end < first) {
    throw new ToolFailure(`view_range [${first}, ${last}] is outside the file, which has ${count} lines.`);
  }
  return [first, end];
}
