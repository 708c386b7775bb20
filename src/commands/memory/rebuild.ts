import { rebuildMapping } from '../../core/memory/memory-mapping.ts';
import { defineCommand, EXIT } from '../command.ts';
import { openBotState, withOperator } from '../operator.ts';
import { nameOf } from '../people.ts';
import { count } from '../text.ts';

export const memoryRebuild = defineCommand({
  name: 'memory rebuild',
  summary: "find everybody's store again, from the stores' own metadata",
  options: {
    'dry-run': { type: 'boolean', short: 'n', help: 'only say what would happen' },
  },
  details: [
    'Stop the bot first, unless its state is in PostgreSQL or Redis. A bot that starts with an empty state does this',
    'by itself. Stores in use stay as they are; people whose store was deleted get one with their next message.',
  ].join('\n'),
  run: ({ values, json }, io) =>
    withOperator(io, async ({ client, config, app }) => {
      const dryRun = values['dry-run'] === true;
      const state = await openBotState({ config, app });
      try {
        const { kept, mapped, corrected, dropped, several } = await rebuildMapping({
          client,
          state,
          app,
          dryRun,
        });
        const names = {
          mapped: mapped.map(nameOf),
          corrected: corrected.map(nameOf),
          // As keys are made, part by part; that of a shared store has one more.
          dropped: dropped.map(key => key.split('/').slice(0, 3).map(decodeURIComponent).join(':')),
          several: several.map(({ person, ...rest }) => ({ person: nameOf(person), ...rest })),
        };
        if (json) {
          io.stdout.write(`${JSON.stringify({ dryRun, kept, ...names })}\n`);
        } else {
          const would = dryRun ? 'would be ' : '';
          for (const name of names.mapped) io.stdout.write(`+ ${name}: store found\n`);
          for (const name of names.corrected) io.stdout.write(`~ ${name}: store gone, another one found\n`);
          for (const name of names.dropped) io.stdout.write(`- ${name}: store gone\n`);
          for (const { person, stores, used } of names.several) {
            const others = stores.filter(id => id !== used).join(', ');
            io.stdout.write(
              `! ${person} has ${count(stores.length, 'store')}: ${used} is used, ${others} not\n`,
            );
          }
          const numbers = `${mapped.length} found, ${corrected.length} corrected, ${dropped.length} dropped`;
          io.stdout.write(`${count(kept, 'store')} as before; ${would}${numbers}\n`);
        }
        return several.length > 0 ? EXIT.incomplete : EXIT.ok;
      } finally {
        await state.close();
      }
    }),
});
