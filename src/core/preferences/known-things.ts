/** Names that say by themselves what they are, for lines in files of mixed notes. */

const MATERIALS = words(
  `wool merino cashmere mohair angora alpaca cotton linen hemp silk satin velvet denim leather suede nubuck fur
   sheepskin shearling down feathers polyester nylon acrylic viscose rayon modal lyocell tencel spandex elastane
   lycra latex rubber fleece flannel tweed corduroy canvas lace mesh synthetics plastic nickel gold silver brass pvc`,
);

const COLOURS = words(
  `black white grey gray red orange yellow green blue purple violet pink brown beige cream ivory navy teal turquoise
   mint olive khaki mustard burgundy maroon coral magenta lavender lilac tan camel taupe charcoal rust terracotta
   pastels neutrals`,
);

/** "dark green" is a colour, "merino wool" a material; null for what may be anything. */
export function topicOfThing(name: string): 'materials' | 'colours' | null {
  const last = name
    .toLowerCase()
    .replace(/\s*\([^)]*\)/g, '')
    .split(/[\s-]+/)
    .filter(word => word !== '')
    .at(-1);
  if (last === undefined) return null;
  if (MATERIALS.has(last)) return 'materials';
  return COLOURS.has(last) ? 'colours' : null;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
