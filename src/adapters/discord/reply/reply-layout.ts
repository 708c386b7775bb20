/** The messages that a reply is made of at some moment. Pure. */

import type { Activity, Reply } from '../../../core/adapter.ts';
import { splitText } from '../../../core/reply/text-split.ts';
import type { Body } from '../connection/api.ts';
import { plain } from '../parts.ts';
import { stopRow } from '../views.ts';
import { discordMarkdown } from './markdown.ts';

/** Discord's limit for the content of a message. */
const MAX_CONTENT = 2_000;

/** `owner` may stop it; `channel` is the conversation's. */
export function layoutOf(reply: Reply, owner: string, channel: string): Body[] {
  // White space alone is no message to Discord, and nothing is lost with it.
  const pieces = splitText(discordMarkdown(reply.text), { limit: MAX_CONTENT }).filter(
    piece => piece.trim() !== '',
  );
  if (reply.state !== 'working') {
    return (pieces.length === 0 ? ['Done.'] : pieces).map(content => ({ content, components: [] }));
  }
  const last = pieces.pop();
  const contents = last === undefined ? [progressOf(reply)] : [...pieces, withStatus(last, reply.status)];
  return contents.map((content, index) => ({
    content,
    components: index === contents.length - 1 ? [stopRow(owner, channel)] : [],
  }));
}

const SHOWN_ACTIVITIES = 5;

/** Before there is text: what was done so far and what it is doing now. */
function progressOf({ activities, status }: Reply): string {
  const past = activities.filter(({ state }) => state !== 'running').slice(-SHOWN_ACTIVITIES);
  return [...past.map(lineOf), statusLine(status ?? 'Thinking')].join('\n');
}

function lineOf({ label, state }: Activity): string {
  return `-# ${state === 'failed' ? '✗' : '✓'} ${plain(label)}`;
}

/** The status goes below the text where there is room, and away with the next text. */
function withStatus(content: string, status: string | null): string {
  if (status === null) return content;
  const shown = `${content.trimEnd()}\n${statusLine(status)}`;
  return shown.length <= MAX_CONTENT ? shown : content;
}

function statusLine(status: string): string {
  return `-# ${plain(status)}…`;
}
