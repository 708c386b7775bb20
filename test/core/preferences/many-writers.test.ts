import { afterEach, expect, it } from 'vitest';
import type { PreferencesView } from '../../../src/core/views.ts';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { memoryOf } from '../../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

/** `WRITER_ROUNDS=1000` for the long run. */
const ROUNDS = Number(process.env.WRITER_ROUNDS ?? 20);

/** An agent that adds the line it is told below the first line of the file, by the edit tool. */
function addingModel() {
  return createScriptedModel(request => {
    const line = lastWords(request);
    if (!line.startsWith('- ') || lastResults(request).length > 0) return { text: ['Done.'] };
    const mount = /Folder: (\S+) \(you can/.exec(request.system)?.[1] ?? '';
    const input = { file_path: `${mount}/list.md`, old_string: '# List\n', new_string: `# List\n${line}\n` };
    return { uses: [{ name: 'edit', input }] };
  });
}

it(
  `two people editing, the agent writing and an undo at the same time: no lost write, every conflict shown (${ROUNDS} rounds)`,
  async () => {
    bench = await createBench({ model: addingModel() });
    const ann = memoryOf(bench);
    await ann.run('outcome', { type: 'create', title: 'List', content: '# List\n- begin\n' });
    const memoryId = await ann.idOf('/list.md');
    const run = (action: Parameters<typeof ann.run>[1]) =>
      bench.adapter.bot().command({ person: ann.person(), action });
    let conflicts = 0;
    let undone = 0;
    const lines = new Set(['- begin']);

    /** As a person does: open the file, add a line, and where somebody else was faster, look and add it again. */
    async function add(line: string): Promise<void> {
      let view: PreferencesView = await run({ type: 'editor', memoryId });
      for (;;) {
        if (view.type === 'outcome') {
          expect(view).toMatchObject({ ok: true });
          lines.add(line);
          return;
        }
        if (view.type === 'conflict') {
          conflicts += 1;
          // Both texts are there to choose from, and ours is one of them.
          const [conflict] = view.conflicts;
          expect(conflict?.mine).toContain(line);
          expect(conflict?.now).not.toContain(`${line}\n`);
          view = await run({ type: 'resolve', conflictId: conflict?.id ?? '', choice: 'again' });
          continue;
        }
        if (view.type !== 'editor') throw new Error(view.type);
        const { draft } = view;
        const content = `${(draft.now ?? draft.content).trimEnd()}\n${line}\n`;
        view = await run({ type: 'edit', memoryId, revision: draft.revision ?? '', content });
      }
    }

    async function undoLast(): Promise<void> {
      const last = bench.adapter.notices.at(-1);
      if (last === undefined) return;
      const view = await run({ type: 'undo', noticeId: last.notice.id });
      if (view.type !== 'outcome' || !view.ok) return;
      undone += 1;
      for (const line of last.lines) lines.delete(line.replace(/^\+ /, '- '));
    }

    for (let round = 0; round < ROUNDS; round += 1) {
      const told = bench.adapter.notices.length;
      await Promise.all([
        add(`- a${round}`),
        add(`- b${round}`),
        bench.adapter.say(`- g${round}`, { channel: `D${round % 3}` }),
        undoLast(),
      ]);
      await bench.bot.idle();
      // The agent's line counts once the person was told of it.
      for (const notice of bench.adapter.notices.slice(told)) {
        for (const line of notice.lines) if (/^\+ g/.test(line)) lines.add(line.replace(/^\+ /, '- '));
      }
      const stands = ((await ann.files())['/list.md'] ?? '').trim().split('\n').slice(1);
      expect(new Set(stands)).toEqual(lines);
      expect(stands).toHaveLength(lines.size);
    }

    // With nobody else writing an undo goes through, so that both of its ends were seen.
    await bench.adapter.say('- g-last');
    lines.add('- g-last');
    await undoLast();
    expect(undone).toBeGreaterThan(0);
    expect(conflicts).toBeGreaterThan(0);

    // The history is complete: every version, each as a step from the one before, by whom it was.
    const { file } = await ann.run('export', { type: 'export', format: 'json' });
    const { history } = JSON.parse(file.content) as {
      history: { versionId: string; by: { type: string; by?: string }; changes: string[] }[];
    };
    expect(history.map(entry => entry.versionId)).toEqual((await ann.versions()).map(({ id }) => id));
    const said = new Map<string, string[]>();
    for (const { by, changes } of history) {
      for (const change of changes) {
        const step = `${change.charAt(0)} ${by.type} ${by.by ?? ''}`.trim();
        said.set(change.slice(2), [...(said.get(change.slice(2)) ?? []), step]);
      }
    }
    for (const [text, steps] of said) {
      // First by whom it was. The agent's edit may fall on a change it has not seen: then that comes back.
      expect([text, steps[0]]).toEqual([text, text.startsWith('g') ? '+ agent' : '+ person edit']);
      const rest = steps.slice(1).join(', ');
      expect([text, rest]).toEqual([
        text,
        expect.stringMatching(/^(− agent, \+ bot merge(, )?)*(− person undo)?(, \+ agent, − bot merge)*$/),
      ]);
      const stands = steps.at(-1)?.startsWith('+') === true;
      expect([text, stands]).toEqual([text, lines.has(`- ${text}`)]);
    }
  },
  60_000 + ROUNDS * 1_000,
);
