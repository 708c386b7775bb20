import { RESTJSONErrorCodes } from 'discord.js';
import { z } from 'zod';
import type { Question, Reply, ReplySink } from '../../../core/adapter.ts';
import { conversationKey, type Json, type Message } from '../../../core/message.ts';
import { createPaced } from '../../../core/reply/paced.ts';
import type { SetTimer } from '../../../core/timer.ts';
import type { Log } from '../../../log.ts';
import { type Body, codeOf } from '../connection/api.ts';
import { nonceOf } from '../connection/nonce.ts';
import { retryLater } from '../connection/patience.ts';
import { answeredBody, questionBody } from '../views.ts';
import { ORIGINAL, type Outlet } from './outlet.ts';
import type { Questions } from './questions.ts';
import { layoutOf } from './reply-layout.ts';

/** What a later process needs to go on with the same messages. */
const handleSchema = z.object({
  messages: z.array(z.object({ outlet: z.enum(['main', 'rest']), id: z.string() })),
  /** Questions asked, by their id, and the messages that ask them. */
  questions: z.record(z.string(), z.string()),
  /** Counts messages that were deleted and had to be posted again. */
  reposts: z.number(),
});

interface Slot {
  outlet: 'main' | 'rest';
  id: string;
  /** What it says; null when an earlier process posted it. */
  shown: Body | null;
}

export interface ReplyDeps {
  message: Message;
  /** Where the answer belongs, and where it goes once nothing more can be written there. */
  outlets: { main: Outlet; rest: Outlet };
  resume: Json;
  save(handle: Json): Promise<void>;
  /** Called with the id of each message that becomes part of the reply. */
  posted(id: string): Promise<void>;
  /** Text of the reply stands there. */
  seen?: () => void;
  questions: Questions;
  /** The person sees a typing mark already. */
  isTyping?: boolean;
  /** Aborts when the process can wait no longer: what is not posted then, a later process posts. */
  givenUp: AbortSignal;
  /** The process is going down, and may still write for a while. */
  closing(): boolean;
  log: Log;
  minIntervalMs?: number;
  now?: () => number;
  setTimer?: SetTimer;
}

/** About five edits in five seconds are allowed in a channel; the headers say when it is fewer. */
const MIN_INTERVAL_MS = 1_100;
/** A typing mark lasts ten seconds. */
const TYPING_MS = 8_000;

/**
 * One reply as a row of messages, each edited as its part of the text grows. Writes are whole snapshots of all
 * messages, so a write that was lost, repeated or cut off is made good by the next one.
 */
export function openReplySink(deps: ReplyDeps): ReplySink {
  const { message, outlets, questions, log } = deps;
  const owner = message.conversation.person.id;
  const isPrivate = message.conversation.audience === 'private';
  const scope = `${conversationKey(message.conversation)}/${message.id}`;
  const resumed = handleSchema.safeParse(deps.resume);
  const slots: Slot[] = resumed.success ? resumed.data.messages.map(slot => ({ ...slot, shown: null })) : [];
  const asked = new Map(resumed.success ? Object.entries(resumed.data.questions) : []);
  let reposts = resumed.success ? resumed.data.reposts : 0;
  let noted = resumed.success;
  let typing: NodeJS.Timeout | undefined;
  outlets.main.adopt(slots.filter(({ outlet }) => outlet === 'main').length);

  /** Words of the reply stand there. */
  let begun = false;
  const paced = createPaced<Reply>({
    async write(reply) {
      const bodies = layoutOf(reply, owner, message.conversation.channel);
      // While it is put together again, after a restart or a cut, a reply says less for a moment than stands there.
      const again = bodies.length < slots.length || (reply.text.trim() === '' && slots.some(isForeign));
      if (reply.state === 'working' && again) return;
      await write(bodies);
      if (reply.text.trim() === '') return;
      begun = true;
      deps.seen?.();
    },
    minIntervalMs: deps.minIntervalMs ?? MIN_INTERVAL_MS,
    // A status before it must not hold the first words back.
    isUrgent: reply => reply.text.trim() !== '' && !begun,
    onError: error =>
      log.warn(
        { event: 'discord.reply_delayed', message: message.id, err: error },
        'a part of a reply was refused',
      ),
    ...(deps.now === undefined ? {} : { now: deps.now }),
    ...(deps.setTimer === undefined ? {} : { setTimer: deps.setTimer }),
  });

  async function write(bodies: readonly Body[]): Promise<void> {
    for (let index = 0; index < bodies.length; ) {
      const body = bodies[index];
      const slot = slots[index];
      if (body === undefined) break;
      if (slot === undefined) {
        await post(body, index);
      } else if (!outlets[slot.outlet].isOpen()) {
        // What can be edited no more stays as it is; from where it says too little, the reply goes on elsewhere.
        if (slot.shown?.content === body.content) index += 1;
        else slots.length = index;
      } else {
        if (!sameBody(slot.shown, body) && !(await edit(slot, body, index))) continue;
        index += 1;
      }
    }
    // The final text may be shorter than what was shown on the way.
    const spare = slots.splice(bodies.length);
    // Should there be more to say after all: what a nonce brings back must not be one of these.
    if (spare.length > 0) reposts += 1;
    for (const slot of spare) {
      if (outlets[slot.outlet].isOpen()) await outlets[slot.outlet].remove(slot.id).catch(ignoreGone);
    }
  }

  /** Where one more message goes: only the attempt to post it may tell that there is no more room. */
  function next(): Slot['outlet'] {
    return outlets.main.hasRoom() ? 'main' : 'rest';
  }

  async function post(body: Body, index: number): Promise<void> {
    // What is saved says which messages this reply is for. A later process that took others along as well would not
    // know the nonce, and what is posted now would stay as it is.
    if (!noted) await save();
    noted = true;
    const outlet = next();
    const posted = await outlets[outlet].post(body, nonceOf(scope, `${reposts}.${index}`));
    // A nonce that was used before brings the earlier message back, with what that one says.
    const isNew = posted.content === null || posted.content.trim() === body.content.trim();
    slots.push({ outlet, id: posted.id, shown: isNew ? body : null });
    await Promise.all([save(), posted.id === ORIGINAL ? null : deps.posted(posted.id)]);
  }

  /** False when the message is gone and the slot is to be filled anew. */
  async function edit(slot: Slot, body: Body, index: number): Promise<boolean> {
    try {
      await outlets[slot.outlet].edit(slot.id, body);
    } catch (error) {
      if (codeOf(error) !== RESTJSONErrorCodes.UnknownMessage) throw error;
      if (index === slots.length - 1) {
        slots.pop();
        reposts += 1;
        return false;
      }
      // Somebody removed a part that was complete: that is their choice.
    }
    slot.shown = body;
    return true;
  }

  async function save(): Promise<void> {
    await deps.save({
      messages: slots.map(({ outlet, id }) => ({ outlet, id })),
      questions: Object.fromEntries(asked),
      reposts,
    });
  }

  function startTyping(): void {
    const type = () => {
      outlets.main.typing().catch(() => {});
    };
    if (deps.isTyping !== true) type();
    typing = setInterval(type, TYPING_MS);
    typing.unref();
  }

  /** Resolves when the newest text stands; rejects with the refusal, or when it cannot be waited for any longer. */
  function settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      const onGivenUp = () => reject(new Error('the process ends before the reply could be posted'));
      deps.givenUp.addEventListener('abort', onGivenUp, { once: true });
      if (deps.givenUp.aborted) onGivenUp();
      paced
        .flush()
        .then(resolve, reject)
        .finally(() => deps.givenUp.removeEventListener('abort', onGivenUp));
    });
  }

  async function finish(reply: Reply): Promise<void> {
    clearInterval(typing);
    paced.push(reply);
    try {
      await settled();
    } catch (error) {
      if (deps.givenUp.aborted) throw error;
      log.warn(
        { event: 'discord.reply_refused', message: message.id, err: error },
        'Discord takes the reply no more where it belongs; it goes to the person directly',
      );
      outlets.main.close();
      paced.push(reply);
      await settled().catch((again: unknown) => {
        if (deps.givenUp.aborted) throw again;
        log.error(
          { event: 'discord.reply_undeliverable', message: message.id, err: again },
          'the reply could not be delivered anywhere',
        );
      });
    }
  }

  async function ask(question: Question, signal: AbortSignal): Promise<boolean> {
    const key = nonceOf(scope, question.id);
    const over = new AbortController();
    const waiting = AbortSignal.any([signal, deps.givenUp, over.signal]);
    // Before it is posted: the answer may come faster than Discord's word that it was.
    const answering = questions.wait(key, question, waiting);
    try {
      const earlier = asked.get(question.id);
      const at =
        earlier === undefined ? await postQuestion(question, key, waiting) : { outlet: next(), id: earlier };
      const outcome = await answering;
      // While the process goes down the question stays: a later process asks it with the same message.
      if (outcome === 'unanswered' && deps.closing()) return false;
      await showOutcome(at, answeredBody(question, outcome, isPrivate));
      return outcome === 'allowed';
    } finally {
      over.abort();
    }
  }

  async function postQuestion(
    question: Question,
    key: string,
    signal: AbortSignal,
  ): Promise<Pick<Slot, 'outlet' | 'id'>> {
    const body = questionBody(question, owner, key, isPrivate);
    const post = async (outlet: Slot['outlet']) => {
      const { id } = await outlets[outlet].post(body, nonceOf(scope, `q.${question.id}`));
      return { outlet, id };
    };
    const at = await retryLater(() => post(next()), signal).catch((error: unknown) => {
      // What nobody was asked would count as denied: where Discord refuses it, the person is asked directly.
      if (codeOf(error) === null) throw error;
      return retryLater(() => post('rest'), signal);
    });
    asked.set(question.id, at.id);
    await save();
    return at;
  }

  /** Only shows what was decided: where that can be shown no more, the decision counts all the same. */
  async function showOutcome({ outlet, id }: Pick<Slot, 'outlet' | 'id'>, body: Body): Promise<void> {
    const place = outlets[outlet];
    await retryLater(async () => {
      if (place.isOpen()) await place.edit(id, body);
    }, deps.givenUp).catch(() => {});
  }

  if (slots.length === 0) paced.push({ state: 'working', text: '', status: 'Thinking', activities: [] });
  startTyping();

  return {
    show(reply) {
      if (reply.text.trim() !== '') clearInterval(typing);
      paced.push(reply);
    },
    finish,
    ask,
    close() {
      clearInterval(typing);
      paced.stop();
    },
  };
}

/** Posted by an earlier process, and not yet written to by this one. */
function isForeign({ shown }: Slot): boolean {
  return shown === null;
}

function sameBody(a: Body | null, b: Body): boolean {
  return (
    a !== null && a.content === b.content && JSON.stringify(a.components) === JSON.stringify(b.components)
  );
}

function ignoreGone(error: unknown): void {
  if (codeOf(error) === null) throw error;
}
