// Embed limits from Discord's resources/message, "Embed Limits": ten embeds, 6,000 characters over all of
// them, and a limit for each field.

import { type Form, isJson, type Json, type Path } from '../form.ts';

const TOTAL = 6_000;

export function readEmbeds(body: Json, form: Form, at: Path): Json[] {
  const embeds: Json[] = [];
  let total = 0;
  for (const [index, raw] of (form.list(body, 'embeds', at, { max: 10 }) ?? []).entries()) {
    const path = [...at, 'embeds', index];
    const embed = form.object(raw, path);
    if (!embed) continue;
    const lengths = [
      form.string(embed, 'title', path, { max: 256 }),
      form.string(embed, 'description', path, { max: 4096 }),
      isJson(embed.footer) ? form.string(embed.footer, 'text', [...path, 'footer'], { max: 2048 }) : '',
      isJson(embed.author) ? form.string(embed.author, 'name', [...path, 'author'], { max: 256 }) : '',
      ...readFields(embed, form, path),
    ].map(text => text?.trim().length ?? 0);
    const visible = lengths.some(length => length > 0) || embed.image || embed.thumbnail || embed.url;
    if (!visible) form.required([...path, 'description']);
    total += lengths.reduce((sum, length) => sum + length, 0);
    embeds.push({ ...embed, type: 'rich' });
  }
  if (total > TOTAL) {
    form.fail([...at, 'embeds'], 'MAX_EMBED_SIZE_EXCEEDED', `Embed size exceeds maximum size of ${TOTAL}`);
  }
  return embeds;
}

function readFields(embed: Json, form: Form, at: Path): (string | undefined)[] {
  const texts: (string | undefined)[] = [];
  for (const [index, raw] of (form.list(embed, 'fields', at, { max: 25 }) ?? []).entries()) {
    const path = [...at, 'fields', index];
    const field = form.object(raw, path);
    if (!field) continue;
    texts.push(form.string(field, 'name', path, { min: 1, max: 256, required: true }));
    texts.push(form.string(field, 'value', path, { min: 1, max: 1024, required: true }));
  }
  return texts;
}
