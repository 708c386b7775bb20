/** Models that do what no good model would: what isolation and holding back have to stand against. */

import type { Model, ModelRequest } from '../../src/runtime/ports.ts';
import { obedientModel } from '../helpers/memory.ts';
import { createScriptedModel, lastResults } from '../helpers/scripted-model.ts';

type Scripted = ReturnType<typeof createScriptedModel>;

/** Does as the obedient model is told, and then tells everybody all it was given: prompts, memory, results. */
export function indiscreetModel(): Scripted {
  const obedient = obedientModel();
  const blab = createScriptedModel(request => ({ text: [`I know:\n${givenIn(request)}`] }));
  return {
    label: 'indiscreet',
    requests: obedient.requests,
    async *complete(request, signal): ReturnType<Model['complete']> {
      const next = lastResults(request).length > 0 || !ASKS_FOR_TOOLS.test(wordsIn(request)) ? blab : null;
      if (next !== null) obedient.requests.push(structuredClone(request));
      yield* (next ?? obedient).complete(request, signal);
    },
  };
}

const ASKS_FOR_TOOLS = /^(?:write|read|grep|sh) /m;

/** The words of the latest message alone. */
function wordsIn(request: ModelRequest): string {
  const content = request.messages.at(-1)?.content ?? '';
  if (typeof content === 'string') return content;
  return content.map(block => (block.type === 'text' ? block.text : '')).at(-1) ?? '';
}

function givenIn(request: ModelRequest): string {
  const said = request.messages.flatMap(({ role, content }) =>
    role === 'user' ? [typeof content === 'string' ? content : JSON.stringify(content)] : [],
  );
  return [request.system, ...said].join('\n');
}

/** Keeps whatever anybody, also in quoted words, tells it to remember. */
export function gullibleModel(): Scripted {
  return createScriptedModel(request => {
    if (lastResults(request).length > 0) return { text: ['Noted.'] };
    const folder = /Folder: (\S+) \(you can/.exec(request.system)?.[1] ?? '/mnt/memory/none';
    const content = request.messages.at(-1)?.content ?? '';
    const texts =
      typeof content === 'string'
        ? [content]
        : content.map(block => (block.type === 'text' ? block.text : ''));
    const told = /remember that (.+)/i.exec(texts.join('\n'))?.[1];
    if (told === undefined) return { text: ['Hello.'] };
    return {
      uses: [{ name: 'write', input: { file_path: `${folder}/taste.md`, content: `- ${told.trim()}\n` } }],
    };
  });
}
