import type { LoopInput, MemoryMount, UploadedFile } from './ports.ts';
import { absoluteUploadPath } from './tools/sandbox.ts';

/**
 * The agent's own prompt, then what is mounted: the API adds name, mount path, access, description and
 * instructions of each store (its wording is not published). `additions` are the session's system.message texts.
 */
export function systemPrompt(
  { agent, mounts, uploads }: Pick<LoopInput, 'agent' | 'mounts' | 'uploads'>,
  additions: readonly string[],
  earlierTurnsLeftOut: boolean,
): string {
  const sections = [agent.system ?? ''];
  if (mounts.length > 0) sections.push(memorySection(mounts));
  if (uploads.length > 0) sections.push(uploadSection(uploads));
  sections.push(...additions);
  if (earlierTurnsLeftOut) {
    sections.push('The conversation is longer than what you see: its earliest part was left out to fit.');
  }
  return sections.filter(text => text.trim() !== '').join('\n\n');
}

function memorySection(mounts: readonly MemoryMount[]): string {
  return [
    '# Memory',
    'These folders keep their files from one session to the next. Use your file tools on them.',
    ...mounts.map(describeMount),
  ].join('\n\n');
}

function describeMount({ name, mountPath, access, description, instructions }: MemoryMount): string {
  const lines = [
    `## ${name}`,
    `Folder: ${mountPath} (${access === 'read_only' ? 'read-only: writes fail' : 'you can read and write here'})`,
  ];
  if (description !== '') lines.push(`Description: ${description}`);
  if (instructions !== null && instructions !== '') lines.push(`Instructions: ${instructions}`);
  return lines.join('\n');
}

function uploadSection(uploads: readonly UploadedFile[]): string {
  const files = uploads.map(file => `- ${absoluteUploadPath(file)} (${file.mediaType})`);
  return ['# Files', 'Uploaded for this session, read-only:', ...files].join('\n');
}
