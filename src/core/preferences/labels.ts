/** "Shoe size" of "**Shoe size**: 9", in lower case; null for a line that names nothing it would be the value of. */
export function labelIn(text: string): string | null {
  return /^([^:]{1,40}):\s+\S/.exec(text)?.[1]?.replace(/[*_`]/g, '').trim().toLowerCase() ?? null;
}

/** "likes: Nike" and "likes: Veja" are two facts, not two answers to one question. */
export function isListed(label: string): boolean {
  return /^(?:likes?|loves?|prefers?|avoids?|dislikes?|hates?|allergic to|bought|owns?)$/.test(label);
}
