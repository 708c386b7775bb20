import type { Activity, Reply } from '../../../core/adapter.ts';
import type { Block } from '../blocks.ts';

/** The tools that a reply used, as task cards: in the stream where they occur, or above a posted text. */
export interface ReplyCards {
  /** The chunks that bring a stream up to date; `closes`: nothing comes after them in its message. */
  chunks(reply: Reply, closes: boolean): Block[];
  /** The stream has taken those chunks. */
  note(reply: Reply, closes: boolean): void;
  blocks(reply: Reply, final: boolean): Block[];
  /** Bytes that the cards take in a streamed message. */
  weight(reply: Reply): number;
}

const MOST = 30;
/** Measured: what a card takes besides its words. */
const BYTES = 40;

export function createReplyCards(): ReplyCards {
  /** The state in which each was last shown. */
  const shown = new Map<string, string>();
  const newest = (reply: Reply) => reply.activities.slice(0, MOST);

  return {
    chunks: (reply, closes) =>
      newest(reply)
        .filter(activity => shown.get(activity.id) !== stateOf(activity, reply, closes))
        .map(activity => ({
          type: 'task_update',
          id: activity.id,
          title: activity.label,
          status: stateOf(activity, reply, closes),
        })),
    note(reply, closes) {
      for (const activity of newest(reply)) {
        // One that still runs when its message is full is shown again in the next.
        if (closes && activity.state === 'running') shown.delete(activity.id);
        else shown.set(activity.id, stateOf(activity, reply, closes));
      }
    },
    blocks: (reply, final) =>
      newest(reply).map(activity => ({
        type: 'task_card',
        task_id: activity.id,
        title: activity.label,
        status: stateOf(activity, reply, final),
      })),
    weight: reply => newest(reply).reduce((sum, { label }) => sum + BYTES + Buffer.byteLength(label), 0),
  };
}

function stateOf(activity: Activity, reply: Reply, closes: boolean): string {
  switch (activity.state) {
    case 'done':
      return 'complete';
    case 'failed':
      return 'error';
    case 'running':
      if (reply.state === 'failed' || reply.state === 'stopped') return 'error';
      return closes ? 'complete' : 'in_progress';
  }
}
