import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discordMarkdown } from '../../../src/adapters/discord/reply/markdown.ts';

describe('discordMarkdown', () => {
  it('aligns a small table as text', () => {
    const table = [
      'Sizes:',
      '| Shoe | **Size** |',
      '|---|---:|',
      '| Otter | 9 |',
      '| 日本 | `10` |',
      '',
      'Done.',
    ];
    expect(discordMarkdown(table.join('\n'))).toBe(
      ['Sizes:', '```', 'Shoe   Size', '─────  ────', 'Otter  9', '日本   10', '```', '', 'Done.'].join('\n'),
    );
  });

  it('turns a wide table, or one with links, into a list that names each value', () => {
    const wide = [
      '| Shoe | Why | Price |',
      '|---|---|---|',
      '| Otter 3 | Waterproof, and wide enough for your size 9 feet | $89 |',
      '| [Heron](https://example.com/heron) | Light | $120 |',
    ];
    expect(discordMarkdown(wide.join('\n'))).toBe(
      [
        '- **Shoe: Otter 3** · Why: Waterproof, and wide enough for your size 9 feet · Price: $89',
        '- **Shoe: [Heron](https://example.com/heron)** · Why: Light · Price: $120',
      ].join('\n'),
    );
  });

  it('keeps every word of a table', () => {
    const cell = fc.stringMatching(/^[a-z]{1,30}( [a-z]{1,30}){0,3}$/);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }).chain(columns =>
          fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), {
            minLength: 2,
            maxLength: 6,
          }),
        ),
        rows => {
          const [header = [], ...body] = rows.map(row => `| ${row.join(' | ')} |`);
          const rule = `|${rows[0]?.map(() => '---').join('|')}|`;
          const shown = discordMarkdown([header, rule, ...body].flat().join('\n'));
          for (const row of rows) for (const value of row) expect(shown).toContain(value);
        },
      ),
    );
  });

  it('shows deep headings bold, images as links, and fences of tildes as Discord knows them', () => {
    expect(discordMarkdown('#### Fit and **feel**')).toBe('**Fit and feel**');
    expect(discordMarkdown('### Fit')).toBe('### Fit');
    expect(discordMarkdown('![Boots](https://example.com/b.png)')).toBe('[Boots](https://example.com/b.png)');
    expect(discordMarkdown('~~~js\na ~~~ b\n~~~')).toBe('```js\na ~~~ b\n```');
  });

  it('takes the card away from invite links, also without a scheme and inside links', () => {
    expect(discordMarkdown('Join discord.gg/abc or https://discord.com/invite/x-1.')).toBe(
      'Join <https://discord.gg/abc> or <https://discord.com/invite/x-1>.',
    );
    expect(discordMarkdown('[join](https://discord.gg/abc)')).toBe('[join](<https://discord.gg/abc>)');
    expect(discordMarkdown('<https://discord.gg/abc>')).toBe('<https://discord.gg/abc>');
  });

  it('leaves code and everything else as it is', () => {
    const code = '```md\n| a | b |\n|---|---|\n#### x discord.gg/abc ![a](b)\n```';
    expect(discordMarkdown(code)).toBe(code);
    expect(discordMarkdown('`![a](b) discord.gg/x`')).toBe('`![a](b) discord.gg/x`');
    fc.assert(
      fc.property(fc.lorem({ mode: 'sentences', maxCount: 20 }), words => {
        expect(discordMarkdown(words)).toBe(words);
      }),
    );
  });
});
