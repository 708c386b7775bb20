/** How a reader sees messages: whether they tell a text, and whether each renders on its own. */

/** Whether every code block that a message opens is closed in it. */
export function isBalanced(text: string): boolean {
  return fenceAfter(text, null) === null;
}

/**
 * Whether messages, read one after the other, are the text: nothing missing, nothing added but the fence lines
 * that close a code block at the end of a message and reopen it in the next. Discord trims messages, so white
 * space at their ends does not count.
 */
export function tells(messages: readonly string[], text: string): boolean {
  let at = 0;
  let fence: Fence | null = null;
  const skip = () => {
    while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
  };
  for (const message of messages) {
    skip();
    let words = message;
    const opened: string = fence === null ? '' : `${fence.marker}${fence.info}\n`;
    if (fence !== null && words.startsWith(opened)) words = words.slice(opened.length).replace(/^\s+/, '');
    const whole = words.trim();
    // With its last line, or without it where that is the closing fence that was added.
    const candidates: string[] = [whole, whole.replace(/\n?[`~]{3,}$/, '').trimEnd()];
    const told = candidates.find(candidate => sameStart(text.slice(at), candidate));
    if (told === undefined) return false;
    const start = at;
    at += told.length;
    fence = fenceAfter(text.slice(start, at), fence);
  }
  skip();
  return text.slice(at).trim() === '';
}

function sameStart(text: string, start: string): boolean {
  return text.startsWith(start);
}

interface Fence {
  marker: string;
  info: string;
}

function fenceAfter(text: string, before: Fence | null): Fence | null {
  let fence = before;
  for (const line of text.split('\n').map(each => each.trimEnd())) {
    if (fence === null) {
      const [, marker, info] =
        /^(?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(line) ?? [];
      if (marker !== undefined) fence = { marker, info: (info ?? '').trim() };
    } else {
      const marker = /^(?:[ \t]|>)*(`{3,}|~{3,})$/.exec(line)?.[1];
      if (marker?.startsWith(fence.marker)) fence = null;
    }
  }
  return fence;
}
