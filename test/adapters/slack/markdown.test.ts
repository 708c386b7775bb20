import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../src/adapters/slack/reply/markdown.ts';
import { linksIn, pingsIn } from '../../fakes/slack/rendering.ts';

const knowsHost = (host: string) => host === 'shop.example';
const render = (source: string, final = true) => renderMarkdown(source, { final, knowsHost }).text;
const seen = (text: string) => text.replaceAll('\u200b', '');

describe('agent Markdown in Slack', () => {
  it('leaves ordinary Markdown as it is', () => {
    const text = [
      '# Boots',
      '',
      'Some **bold**, _italic_, ~gone~ and `code` words; 3 < 4 & 5 > 2.',
      '- a list',
      '  1. nested [x] and [y][z]',
      '',
      '| Boot | Price |',
      '|------|------:|',
      '| Elm  | $90   |',
      '',
      '```ts',
      "const a = '<b>' && `x`;",
      '```',
      '> quoted',
    ].join('\n');
    expect(render(text)).toBe(text);
  });

  it.each([
    'Hey <!channel>, <!here> and <!everyone|all>!',
    'Ask <@U0BOSS> or <@W0BOSS|the boss> or <!subteam^S0TEAM>',
    'In `code <!channel>` too',
    '```\n<!channel>\n<@U0BOSS>\n```',
    'A[b<@U0BOSS>](c) [<!here>](https://shop.example/) <https://shop.example/|<!channel>>',
  ])('calls nobody: %s', text => {
    expect(pingsIn(render(text), false)).toEqual([]);
  });

  it('keeps what calls somebody readable', () => {
    expect(seen(render('Hey <!channel> and <@U0BOSS>!'))).toBe('Hey <!channel> and <@U0BOSS>!');
    expect(render('```\n<!doctype html>\n```')).toBe('```\n<!doctype html>\n```');
  });

  it.each([
    ['Look: https://evil.example/a?b=c.', 'Look: `evil.example/a?b=c`.'],
    ['[these boots](https://evil.example/x "title")', 'these boots (`evil.example/x`)'],
    ['![photo](http://evil.example/p.png)', 'photo (`evil.example/p.png`)'],
    ['<https://evil.example/x|boots>', 'boots (`evil.example/x`)'],
    ['<https://evil.example/x>', '`evil.example/x`'],
    ['[https://shop.example/](https://evil.example/)', 'shop.example/ (`evil.example/`)'],
    ['**https://evil.example/x**', '**`evil.example/x`**'],
    ['| https://evil.example/x | 2 |', '| `evil.example/x` | 2 |'],
    ['[a]: https://evil.example/x', '[a]: `evil.example/x`'],
    ['HTTPS://EVIL.example/x', '`EVIL.example/x`'],
  ])('shows the address of an unknown host without linking to it: %s', (source, shown) => {
    expect(render(source)).toBe(shown);
    expect(linksIn(shown)).toEqual([]);
  });

  it('keeps links to known hosts', () => {
    const text = 'See https://shop.example/boots, [boots](https://shop.example/b), <https://shop.example/c>.';
    expect(render(text)).toBe(
      'See https://shop.example/boots, [boots](https://shop.example/b), https://shop.example/c.',
    );
    expect(render('https://shop.example.evil.example/')).toBe('`shop.example.evil.example/`');
    expect(render('https://shop.example@evil.example/')).toBe('`shop.example@evil.example/`');
  });

  it('says which code block is open at the end', () => {
    expect(renderMarkdown('a\n```ts\nb', { final: true, knowsHost }).fence).toEqual({
      marker: '```',
      opening: '```ts\n',
    });
    expect(renderMarkdown('a\n~~~\nb\n```\n~~~\n', { final: true, knowsHost }).fence).toBeNull();
  });

  const pieces = fc.oneof(
    fc.constantFrom(
      '`',
      '``',
      '```',
      '```ts\n',
      '\n```\n',
      '\n',
      '\n\n',
      ' ',
      '[',
      ']',
      '](',
      ')',
      '(',
      '![',
      '<',
      '>',
      '|',
      'https://',
      'http',
      'https://evil.example/a',
      'https://shop.example',
      '<!channel>',
      '<@U0BOSS>',
      '<!here|x y>',
      '| a | b |',
      '~~~',
      '**',
      '.',
      '!',
      'word',
      'é',
      '👟',
      '- ',
      '> ',
    ),
    fc.string({ maxLength: 4 }),
  );
  const texts = fc.array(pieces, { maxLength: 30 }).map(parts => parts.join(''));

  it('never takes back what it has rendered while the text grows', () => {
    fc.assert(
      fc.property(texts, text => {
        const whole = renderMarkdown(text, { final: true, knowsHost });
        expect(whole.settled).toBe(text.length);
        let before = '';
        for (let end = 0; end <= text.length; end += 1) {
          const { text: now, settled } = renderMarkdown(text.slice(0, end), { final: false, knowsHost });
          expect(settled).toBeLessThanOrEqual(end);
          expect(now.startsWith(before)).toBe(true);
          before = now;
        }
        expect(whole.text.startsWith(before)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never calls anybody, whatever the text', () => {
    fc.assert(
      fc.property(texts, text => {
        expect(pingsIn(render(text), false)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
