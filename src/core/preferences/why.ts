import type { MemoryFile } from '../memory/memory-files.ts';
import { type Conversation, type Person, personKey } from '../message.ts';
import type { Privacy } from '../people/privacy.ts';
import type { ReplySources } from '../turn/reply-sources.ts';
import { outcome, type PreferencesView, titleOfPath, type UsedMemory } from '../views.ts';

/** Which memories a reply was based on: the person's alone to ask, where the reply stands. */
export function createWhy(deps: {
  sources: ReplySources;
  privacy: Privacy;
  filesOf(owner: Person): Promise<MemoryFile[]>;
}) {
  /** `owner`: whose memory it is. Without `messageId` (the message it answered) the latest reply. */
  return async (
    owner: Person,
    person: Person,
    conversation: Conversation | undefined,
    messageId: string | undefined,
  ): Promise<PreferencesView> => {
    if (conversation === undefined || personKey(conversation.person) !== personKey(person)) {
      return outcome(false, 'Ask that in the conversation with the reply.');
    }
    const trace = await deps.sources.find(conversation, messageId ?? null);
    if (trace === null) {
      return outcome(
        false,
        (await deps.privacy.isOffRecord(conversation))
          ? 'This conversation is private: no memory is used here.'
          : 'I no longer know what I had in front of me for that reply.',
      );
    }
    const { files, searched } = await deps.sources.filesOf(trace);
    const now = await deps.filesOf(owner);
    const memories: UsedMemory[] = files.map(({ path, forEveryone, how }) => ({
      memoryId: forEveryone ? null : (now.find(file => file.path === path)?.id ?? null),
      path,
      title: titleOfPath(path),
      how: [...how],
      forEveryone,
    }));
    const sentence =
      memories.length > 0
        ? 'This is what I had in front of me for that reply:'
        : searched
          ? 'For that reply, I searched your memory but opened nothing in particular.'
          : 'For that reply, I used nothing from your memory.';
    return { type: 'why', sentence, memories, searched };
  };
}
