/** A character of UTF-8 with one character for each of its bytes. */
const BYTES =
  /[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|[\u00f0-\u00f4][\u0080-\u00bf]{3}/g;
/** What may put such text into a variable: the two themselves, and scripts, which may hold them. */
const READS_BYTES = /\b(?:read|mapfile|readarray|source|eval|bash|sh)\b|(?:^|\s)\.\s/;

/**
 * `read` and `mapfile` of just-bash 3.4 never decode what they read, so "Größe" becomes "GrÃ¶Ã\x9fe" in whatever is made
 * of it. Returns what undoes that in the text a command makes. Text that only looks so ("CAFÉ»") is left alone where
 * it stands in the command, and everywhere in commands that read nothing in this way.
 */
export function decoderFor(command: string): (text: string) => string {
  if (!READS_BYTES.test(command)) return text => text;
  return text =>
    text.replace(BYTES, bytes => {
      if (command.includes(bytes)) return bytes;
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'));
      } catch {
        return bytes;
      }
    });
}
