/**
 * The path rules of memories (SDK 1.12 MemoryCreateParams.path): absolute, 1 to 20 segments, none empty, "."
 * or "..", no control, format, line or paragraph separator characters, NFC, at most 1,024 bytes.
 * Returns what is wrong as the rest of a sentence about the path, or undefined.
 */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must start with "/"';
  if (Buffer.byteLength(path) > 1024) return 'must have at most 1,024 bytes';
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(path)) return 'must not contain control or format characters';
  if (path.normalize('NFC') !== path) return 'must be in Unicode Normalization Form C';
  const segments = path.slice(1).split('/');
  if (segments.length > 20) return 'must have at most 20 segments';
  if (segments.includes('')) return 'must not have an empty segment';
  if (segments.some(segment => segment === '.' || segment === '..')) return 'must not contain "." or ".."';
  return undefined;
}

/** "/a/b/c.md" has the ancestors "/a" and "/a/b": none of them may be a memory itself. */
export function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    found.push(path.slice(0, slash));
  }
  return found;
}

/** Everything below `directory` (no trailing slash) sorts in [from, to) by UTF-8 bytes: "0" follows "/". */
export function descendantRange(directory: string): { from: string; to: string } {
  return { from: `${directory}/`, to: `${directory}0` };
}
