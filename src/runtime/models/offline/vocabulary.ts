/** The words the offline model knows. Everything is lower case; spellings map to one name each. */

import { type Topic, topics } from './changes.ts';
import { lookup } from './lookup.ts';

export type TasteTopic = 'brands' | 'colours' | 'materials' | 'style';

export interface Thing {
  topic: TasteTopic;
  name: string;
}

/** What each kind of thing that is kept is called. */
const topicWords: Record<Topic, string> = {
  sizes: 'sizes?|measurements?',
  budget: 'budgets?|(?:price|spending) limits?',
  brands: 'brands?|labels?|designers?',
  colours: 'colou?rs?',
  materials: 'materials?|fabrics?',
  style: 'styles?|taste',
  notes: 'notes?',
};
export const tasteWords = [topicWords.brands, topicWords.colours, topicWords.materials].join('|');
const topicMatchers = topics.map(topic => ({
  topic,
  within: new RegExp(`\\b(?:${topicWords[topic]})\\b`, 'i'),
  whole: new RegExp(`^(?:favou?rite )?(?:${topicWords[topic]})(?: preferences?)?$`, 'i'),
}));

/** The topics a text names by their own word. */
export function topicsNamed(text: string): Topic[] {
  return topicMatchers.filter(({ within }) => within.test(text)).map(({ topic }) => topic);
}

/** The topic that a phrase is a name of: "favourite brands"; null for other phrases. */
export function topicCalled(phrase: string): Topic | null {
  return topicMatchers.find(({ whole }) => whole.test(phrase))?.topic ?? null;
}

const materials =
  'wool,merino,cashmere,mohair,angora,alpaca,cotton,organic cotton,linen,hemp,silk,satin,velvet,velour,denim,leather,' +
  'faux leather,vegan leather,patent leather,suede,nubuck,fur,faux fur,shearling,sheepskin,down,feathers,polyester,' +
  'nylon,acrylic,viscose,rayon,modal,lyocell,tencel,bamboo,spandex,elastane,lycra,latex,rubber,fleece,flannel,tweed,' +
  'corduroy,canvas,lace,mesh,chiffon,jersey,gore-tex,neoprene,nickel,gold,silver,brass,synthetics,synthetic fabrics,' +
  'synthetic materials,synthetic fibres,synthetic fibers,natural fibres,natural fibers,natural fabrics,' +
  'natural materials,plastic,lambswool,raffia,cork,microfibre,microfiber,pvc,tulle,sequins';

const colours =
  'black,white,grey,red,orange,yellow,green,blue,purple,violet,pink,brown,beige,cream,ivory,navy,navy blue,dark blue,' +
  'light blue,sky blue,royal blue,baby blue,teal,turquoise,aqua,mint,olive,olive green,forest green,dark green,khaki,' +
  'lime,mustard,burgundy,maroon,wine red,dark red,coral,peach,salmon,magenta,fuchsia,lavender,lilac,plum,tan,camel,' +
  'taupe,charcoal,rust,terracotta,neon,neon colours,bright colours,dark colours,earth tones,pastels,' +
  'pastel colours,neutrals,neutral colours,muted colours,indigo,emerald,off-white,hot pink,neon yellow,neon green,' +
  'dark grey,light grey,warm colours,cool colours';

const brands =
  "Nike,Adidas,Puma,Reebok,New Balance,Asics,Vans,Converse,Salomon,Hoka,On Running,Brooks,Saucony,Mizuno,Skechers,Crocs,Birkenstock,Clarks,Dr. Martens,Timberland,Blundstone,Red Wing,UGG,Ecco,Geox,Veja,Allbirds,Camper,Merrell,Keen,Patagonia,The North Face,Arc'teryx,Columbia,Fjällräven,Jack Wolfskin,Mammut,Haglöfs,Helly Hansen,Barbour,Carhartt,Carhartt WIP,Dickies,Levi's,Wrangler,Lee,Diesel,G-Star,Uniqlo,Muji,COS,Arket,H&M,Zara,Mango,Massimo Dutti,Primark,Shein,Temu,Asos,Gap,Old Navy,Banana Republic,J.Crew,Everlane,Abercrombie,Hollister,American Eagle,Urban Outfitters,Tommy Hilfiger,Ralph Lauren,Calvin Klein,Lacoste,Fred Perry,Hugo Boss,Armani,Gucci,Prada,Louis Vuitton,Chanel,Dior,Hermès,Burberry,Balenciaga,Versace,Fendi,Saint Laurent,Bottega Veneta,Celine,Loewe,Off-White,Supreme,Stüssy,Stone Island,Moncler,Canada Goose,Acne Studios,A.P.C.,Ganni,Sézane,Reformation,Lululemon,Gymshark,Under Armour,Fila,Champion,Kappa,Umbro,Decathlon,Quechua,REI,Rains,Norse Projects,Filippa K,Weekday,Monki,Marimekko,Desigual,Ted Baker,Marks & Spencer,Next,Boden,Michael Kors,Coach,Kate Spade,Longchamp,Swatch,Casio,Seiko,Rolex,Omega,Tissot,Ray-Ban,Oakley,Pandora,Tiffany,Cartier,Swarovski,Hunter,Jordan,Air Jordan,Yeezy,Bershka,Pull & Bear,Superdry,Vagabond";

/** Unmistakable as a style on their own: "I like streetwear". */
const styles =
  'minimalist,minimalism,minimal,streetwear,vintage,retro,preppy,boho,bohemian,bohemian style,athleisure,sportswear,' +
  'business casual,smart casual,goth,gothic,punk,grunge,workwear,techwear,gorpcore,cottagecore,dark academia,old money,' +
  'y2k,normcore,hipster,avant-garde,art deco,scandinavian,scandi,second-hand,secondhand,thrifted,quiet luxury,' +
  'capsule wardrobe,oversized,androgynous,rockabilly,western,steampunk,lolita,heels,high heels,flats,dresses,skirts,short skirts,' +
  'long skirts,shorts,leggings,hoodies,hoods,turtlenecks,polo necks,v-necks,crew necks,long sleeves,short sleeves,zips,buttons,' +
  'pockets,logos,big logos,prints,stripes,checks,plaid,polka dots,animal prints,leopard print,florals,ruffles,ripped jeans,' +
  'skinny jeans,wide leg trousers,high waists,slim fit,loose fit,relaxed fit,regular fit,loose fitting';

/** A style only beside a word for clothes or dressing: "casual clothes", "I dress formally". */
const plainStyles =
  'casual,formal,classic,classy,elegant,sporty,modern,simple,plain,loose,baggy,relaxed,slim,tight,fitted,tailored,chic,' +
  'edgy,trendy,fashionable,comfortable,comfy,practical,outdoorsy,colourful,understated,timeless,sustainable,feminine,' +
  'masculine,unisex,romantic,sophisticated,professional,flashy,basic,bold,quirky,conservative,modest,layered,' +
  'skinny,cropped,smart,dressy,patterned,striped,floral';

const spellings = lookup({
  gray: 'grey',
  'dark gray': 'dark grey',
  'light gray': 'light grey',
  'bright colors': 'bright colours',
  'neon colors': 'neon colours',
  'dark colors': 'dark colours',
  'pastel colors': 'pastel colours',
  'neutral colors': 'neutral colours',
  'muted colors': 'muted colours',
  'warm colors': 'warm colours',
  'cool colors': 'cool colours',
  'earthy tones': 'earth tones',
  'earthy colours': 'earth tones',
  'earthy colors': 'earth tones',
  'loud colours': 'bright colours',
  'loud colors': 'bright colours',
  woolen: 'wool',
  woollen: 'wool',
  'woolen things': 'wool',
  colorful: 'colourful',
  minimalism: 'minimalist',
  minimal: 'minimalist',
  minimalistic: 'minimalist',
  bohemian: 'boho',
  secondhand: 'second-hand',
  'second hand': 'second-hand',
  scandi: 'scandinavian',
  'street wear': 'streetwear',
  comfy: 'comfortable',
  casually: 'casual',
  formally: 'formal',
  simply: 'simple',
  smartly: 'smart',
  elegantly: 'elegant',
  comfortably: 'comfortable',
  modestly: 'modest',
  conservatively: 'conservative',
  'north face': 'The North Face',
  levis: "Levi's",
  'doc martens': 'Dr. Martens',
  'dr martens': 'Dr. Martens',
  arcteryx: "Arc'teryx",
  fjallraven: 'Fjällräven',
  hermes: 'Hermès',
  'ralph lauren polo': 'Ralph Lauren',
  hm: 'H&M',
  'h & m': 'H&M',
  'h and m': 'H&M',
  stussy: 'Stüssy',
  lv: 'Louis Vuitton',
  'ray ban': 'Ray-Ban',
  goretex: 'gore-tex',
  'gore tex': 'gore-tex',
  'synthetic fibers': 'synthetic fibres',
  'natural fibers': 'natural fibres',
  microfiber: 'microfibre',
});

/** Brands whose name is an everyday word count only when written with a capital letter. */
const everyday = new Set([
  ...[
    'gap',
    'next',
    'coach',
    'mango',
    'supreme',
    'champion',
    'lee',
    'diesel',
    'keen',
    'rains',
    'hunter',
    'brooks',
  ],
  ...[
    'puma',
    'omega',
    'pandora',
    'jordan',
    'reformation',
    'columbia',
    'weekday',
    'boden',
    'vans',
    'camper',
    'geox',
  ],
  ...[
    'off-white',
    'vagabond',
    'mammut',
    'converse',
    'clarks',
    'celine',
    'lv',
    'rei',
    'cos',
    'kappa',
    'salomon',
  ],
]);

const things = new Map<string, Thing>();
for (const name of materials.split(',')) things.set(name, { topic: 'materials', name });
for (const name of colours.split(',')) things.set(name, { topic: 'colours', name });
for (const name of styles.split(',')) things.set(name, { topic: 'style', name });
for (const name of brands.split(',')) {
  const key = name.toLowerCase();
  if (!things.has(key)) things.set(key, { topic: 'brands', name });
}
for (const [spelling, name] of spellings) {
  const thing = things.get(name.toLowerCase());
  if (thing) things.set(spelling, { topic: thing.topic, name: things.get(name)?.name ?? thing.name });
}
const plain = new Set(plainStyles.split(','));

/** Alternation of every brand, for use inside other patterns; what it finds may yet be an everyday word. */
export const brandPattern = [...things]
  .filter(([, { topic }]) => topic === 'brands')
  .map(([key]) => key.replace(/[.+&]/g, '\\$&'))
  .sort((a, b) => b.length - a.length)
  .join('|');

/** The thing this phrase names, e.g. "Dark Gray" -> dark grey, a colour; null when it is not one we know. */
export function thingNamed(phrase: string): Thing | null {
  const key = phrase.toLowerCase();
  const thing = things.get(key);
  if (!thing) return null;
  if (everyday.has(key) && thing.topic === 'brands' && !/^\p{Lu}/u.test(phrase)) return null;
  return thing;
}

/** A word like "casual" or "formally", as a style; only meaningful beside a word for clothes. */
export function plainStyle(phrase: string): string | null {
  const key = phrase.toLowerCase();
  const name = spellings.get(key) ?? key;
  return plain.has(name) ? name : null;
}

/** Longest phrase of the vocabulary, in words. */
export const longestPhrase = 3;

const sizedItems: Record<string, string> = {
  shoe: 'shoes?|boots?|sneakers?|trainers?|sandals?|heels?|loafers?|footwear|feet|foot|flats|pumps|slippers|cleats|runners|running shoes|hiking boots',
  shirt: 't-?shirts?|tees?|shirts?|tops?|blouses?|polos?',
  sweater: 'sweaters?|jumpers?|hoodies?|pullovers?|sweatshirts?|cardigans?',
  jacket: 'jackets?|coats?|parkas?|blazers?|outerwear',
  trouser: 'trousers|pants|jeans|chinos|leggings|slacks|bottoms|joggers',
  waist: 'waist',
  inseam: 'inseam|inside leg',
  chest: 'chest|bust',
  hips: 'hips',
  shorts: 'shorts',
  dress: 'dress(?:es)?|gowns?',
  skirt: 'skirts?',
  suit: 'suits?',
  ring: 'rings?|ring finger',
  hat: 'hats?|caps?|helmets?|head',
  glove: 'gloves?|hands?',
  belt: 'belts?',
  bra: 'bras?',
  sock: 'socks?',
  underwear: 'underwear|undies|panties|knickers|boxers?|briefs',
  collar: 'collar|neck',
  clothing: 'clothes|clothing|garments?|outfits?',
};

/** Of the body rather than of clothes: "waist: 32", not "waist size: 32". */
export const measures: readonly string[] = ['waist', 'inseam', 'chest', 'hips'];

/** Of the person as a whole. */
export const bodily: readonly string[] = ['height', 'weight'];

/** Alternation of every garment word, for use inside other patterns. */
export const itemPattern = Object.values(sizedItems).join('|');

const itemMatchers = Object.entries(sizedItems).map(
  ([item, pattern]) => [item, new RegExp(`^(?:${pattern})$`, 'i')] as const,
);

/** "boots" -> "shoe", "t-shirts" -> "shirt": the item a size is filed under. */
export function sizedItem(word: string): string | null {
  return itemMatchers.find(([, matcher]) => matcher.test(word))?.[0] ?? null;
}

/** Words that may follow a colour or material without changing what it means: "wool jumpers", "black ones". */
export const garmentWord = new RegExp(
  `^(?:${itemPattern}|things?|stuff|ones?|fabrics?|materials?|fib(?:re|er)s?|garments?|pieces?|items?|wear|colou?rs?|tones?|shades?|brands?|products?|gear|bags?|backpacks?|scar(?:f|ves)|knitwear|knits?|accessories|jewel(?:le)?ry|watch(?:es)?|anything)$`,
  'i',
);

/** Words that show a plain style word is about clothes: "casual clothes", "loose fits". */
export const styleWord = new RegExp(
  `^(?:${itemPattern}|style|styles|look|looks|fits?|wear|things|stuff|pieces?|designs?|fashion|cuts?|aesthetic|vibes?|silhouettes?)$`,
  'i',
);
