/** What only the person's own hand does, and how. */
const commands: { advice: string; asked: RegExp[] }[] = [
  {
    advice:
      'Tell me how it is, e.g. “actually 9.5”, or type “/preferences undo” to take back the last change.',
    asked: [
      /\bundo (?:that|this|it|the last)\b|^undo$/i,
      /\btake (?:that|it) back\b/i,
      /\bdelete (?:the|my) last\b/i,
      /^(?:no,? )?(?:that|this|it)(?:'s| is) (?:wrong|not (?:right|true)|incorrect)$/i,
    ],
  },
  {
    advice: '“/preferences pause” stops me from saving anything new, “/preferences resume” lets me go on.',
    asked: [
      /\bstop (?:remember|sav|track|stor|record)ing (?:me|this|that|things|anything|everything|stuff|what)\b/i,
      /\b(?:don't|do not|never) (?:remember|save|store|track|record) (?:me|this|that|things|anything|everything|stuff|what)\b/i,
    ],
  },
  {
    advice:
      'I cannot order or look anything up. Ask for a brief, e.g. “find me boots”, and take it to a shop.',
    asked: [/\b(?:can|could|will|would) you (?:please )?(?:order|buy|ship|deliver|send|reserve)\b/i],
  },
  {
    advice: '“/preferences export” gives you all of it in a file.',
    asked: [/\b(?:export|download)\b.*\b(?:my|data|memory|preferences|notes|everything|it|all)\b/i],
  },
  {
    advice: '“/preferences forget me” deletes everything I have about you.',
    asked: [/\b(?:delete|close|cancel|remove) my account\b/i],
  },
  {
    advice:
      '“/preferences” shows everything I keep about you, with when and where I learned it. There you change it, delete it, or have me save nothing.',
    asked: [
      /\b(?:gdpr|privacy)\b/i,
      /\b(?:is|are) (?:my|this|that|it|these)\b.*\b(?:private|confidential)\b/i,
      /\b(?:is|are) my .*\b(?:safe|secure)\b/i,
      /\bdo you (?:share|sell) (?:my|this|that|it|what|data)\b/i,
      /\bcan (?:my \w+|other people|others|anyone|anybody|somebody|someone|people)(?: else)? (?:see|read|know)\b/i,
      /\bwho (?:else )?(?:can (?:see|read)|knows|sees|has access)\b/i,
      /\bwhere (?:do you|is|are)\b.*\b(?:store|stored|keep|kept|save|saved|data)\b/i,
      /\bhow long\b.*\b(?:keep|store|remember)\b/i,
      /\bwhen did i (?:tell|say|mention)\b/i,
      /\bhow do you know\b|\bwhy do you (?:think|say|believe)\b/i,
    ],
  },
];

/** How the person does themself what they ask for; null where it is no such thing. */
export function adviceFor(text: string): string | null {
  return commands.find(({ asked }) => asked.some(pattern => pattern.test(text)))?.advice ?? null;
}
