/**
 * "Shoe size" of "**Shoe size**: 9"; null for a line that names nothing it would be the value of, as a sentence with a colon
 * far in.
 */
export function labelAsWritten(text: string): string | null {
  const label = /^([^:]{1,40}):\s+\S/.exec(text)?.[1]?.replace(/[*_`]/g, '').trim();
  return label === undefined || label === '' ? null : label;
}

/** The same in lower case. */
export function labelIn(text: string): string | null {
  return labelAsWritten(text)?.toLowerCase() ?? null;
}

/** "likes: Nike" and "likes: Veja" are two facts, not two answers to one question. */
export function isListed(label: string): boolean {
  return /^(?:likes?|loves?|prefers?|avoids?|dislikes?|hates?|allergic to|bought|owns?)$/.test(label);
}
