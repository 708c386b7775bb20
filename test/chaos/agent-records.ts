import Anthropic from '@anthropic-ai/sdk';
import type { SessionRecord, StoreRecord } from './records.ts';
import { tokensIn } from './words.ts';

/** What the agent service has of everyone, read as anybody reads it. */
export async function readAgentRecords(
  url: string,
  apiKey: string,
): Promise<{ sessions: SessionRecord[]; stores: StoreRecord[] }> {
  const { beta } = new Anthropic({ baseURL: url, apiKey, logLevel: 'off' });
  const sessions: SessionRecord[] = [];
  for await (const { id, metadata } of beta.sessions.list({ limit: 100 })) {
    const messages: string[][] = [];
    const tokens = new Set<string>();
    for await (const event of beta.sessions.events.list(id, { limit: 1_000 })) {
      if (event.type !== 'user.message') {
        for (const token of tokensIn(JSON.stringify(event))) tokens.add(token);
        continue;
      }
      const texts = event.content.map(block => (block.type === 'text' ? block.text : ''));
      messages.push(texts);
      const own = texts.filter(text => !text.startsWith('<context>'));
      for (const token of tokensIn(own.join(' '))) tokens.add(token);
    }
    sessions.push({ id, person: metadata.person ?? '', messages, tokens: [...tokens] });
  }
  const stores: StoreRecord[] = [];
  for await (const { id, metadata } of beta.memoryStores.list({ limit: 100 })) {
    const versions: StoreRecord['versions'] = [];
    for await (const version of beta.memoryStores.memoryVersions.list(id, { view: 'full', limit: 20 })) {
      versions.push({
        path: version.path ?? '',
        operation: version.operation,
        content: version.content ?? '',
        bySession: version.created_by?.type === 'session_actor',
      });
    }
    stores.push({ id, person: metadata?.person ?? '', audience: metadata?.audience ?? '', versions });
  }
  return { sessions, stores };
}
