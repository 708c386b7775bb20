import type Anthropic from '@anthropic-ai/sdk';
import type { ChangeSets } from '../memory/change-sets.ts';
import { changesOf } from '../memory/memory-changes.ts';
import { textOfVersion } from '../memory/memory-restore.ts';
import type { Person } from '../message.ts';
import type { Notice } from '../views.ts';

/**
 * Of what is held back and waits for a person's word, the one that was asked last, as it was asked: also where the question
 * could not be shown, or was lost from sight.
 */
export async function openQuestion(
  client: Anthropic,
  changeSets: ChangeSets,
  owner: Person,
): Promise<Notice | null> {
  for (const { id, change } of await changeSets.list(owner)) {
    if (change.state !== 'held') continue;
    const changes = await changesOf(change.refs, (storeId, version) =>
      textOfVersion(client, storeId, version),
    );
    if (changes.length > 0) return { id, changes, heldBecauseOf: change.because };
  }
  return null;
}
