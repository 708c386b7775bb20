import { describe, expect, it } from 'vitest';
import type { Change } from '../../../../src/runtime/models/offline/changes.ts';
import { forOccasion } from '../../../../src/runtime/models/offline/confirmation.ts';
import { understand } from '../../../../src/runtime/models/offline/understanding.ts';

/** One short line per change, so that the tables below read like what would be filed. */
function short(change: Change): string {
  switch (change.type) {
    case 'set':
      return `${change.key}: ${change.value}`;
    case 'unset':
      return `no ${change.key}${change.value === undefined ? '' : ` ${change.value}`}`;
    case 'taste':
      return `${change.attitude} ${change.name} (${change.topic})${forOccasion(change)}`;
    case 'untaste':
      return `no longer ${change.attitudes.join('/')} ${change.name}${forOccasion(change)}`;
    case 'note':
      return `note ${change.text}`;
    case 'forget-topic':
      return `forget ${change.topic}`;
    case 'forget-attitude':
      return `forget all ${change.attitude}`;
    case 'forget-words':
      return `forget lines with ${change.text}`;
    case 'forget-all':
      return 'forget all';
  }
}

const learned = (...texts: string[]) => understand(texts).changes.map(short);

const sizes: [string, string[]][] = [
  ['I wear size 9 shoes', ['shoe size: 9']],
  ['My shoe size is 9', ['shoe size: 9']],
  ['my shoe size is actually 9.5', ['shoe size: 9.5']],
  ['I’m a size 9 in shoes', ['shoe size: 9']],
  ["I'm a UK 9 in trainers", ['shoe size: UK 9']],
  ['I take a size 42 EU in boots', ['shoe size: EU 42']],
  ['I wear EU 42 shoes', ['shoe size: EU 42']],
  ["I wear a US men's 10.5 shoe", ['shoe size: US 10.5']],
  ['My feet are size 9', ['shoe size: 9']],
  ['I wear shoes in size 9', ['shoe size: 9']],
  ['shoe size: 9', ['shoe size: 9']],
  ['Shoe size 9 1/2', ['shoe size: 9.5']],
  ['size nine and a half shoes', ['shoe size: 9.5']],
  ['I need new boots, size 44', ['shoe size: 44']],
  ['I wear a 9 wide in shoes', ['shoe size: 9 wide']],
  ['My shoe size changed to 10', ['shoe size: 10']],
  ['I wear a medium shirt', ['shirt size: M']],
  ['I wear a size M in shirts and a L in jackets', ['shirt size: M', 'jacket size: L']],
  ['My jacket size is XL', ['jacket size: XL']],
  ["I'm a medium", ['clothing size: M']],
  ['I usually wear XL', ['clothing size: XL']],
  ['My waist is 32 inches', ['waist: 32 inches']],
  ['My waist is 32 and my inseam is 34', ['waist: 32', 'inseam: 34']],
  ['I wear 32/34 jeans', ['trouser size: 32/34']],
  ['I wear a 32 waist', ['waist: 32']],
  ['My dress size is UK 12', ['dress size: UK 12']],
  ["I'm a UK 12 in dresses", ['dress size: UK 12']],
  ['My ring size is 7', ['ring size: 7']],
  ['my hat size is 7.5', ['hat size: 7.5']],
  ['I am a size 8', ['size: 8']],
  ['I take a 9', ['size: 9']],
  ['I wear a 9, my shoes wear out fast', ['shoe size: 9']],
  ['Size 9 please', ['size: 9']],
  ['I have size 11 feet', ['shoe size: 11']],
  ['My size is L', ['clothing size: L']],
  ['I wear 9.5 shoes', ['shoe size: 9.5']],
  ["I'm usually a medium in shirts but a large in jackets", ['shirt size: M', 'jacket size: L']],
  ['I wear size 9 shoes, medium shirts and 32 waist jeans', ['shoe size: 9', 'shirt size: M', 'waist: 32']],
  ['shirts: L, shoes: 11', ['shirt size: L', 'shoe size: 11']],
  ['looking for size 9 boots under $120', ['shoe size: 9']],
  ['my bra size is 34B', ['bra size: 34B']],
  ['I wear W32 L34 jeans', ['trouser size: 32/34']],
  ['I need boots. I wear size 9', ['shoe size: 9']],
  ['My shoe size is nine', ['shoe size: 9']],
  ['shoe size nine and half', ['shoe size: 9.5']],
  ['my shoes are size 44 2/3', ['shoe size: 44 2/3']],
  ['i wear sz 11 sneakers', ['shoe size: 11']],
  ["I'm a women's 8 in trainers", ['shoe size: 8']],
  ['my shoe size is EU 42 / UK 8', ['shoe size: EU 42 / UK 8']],
  ['I wear EU 42, UK 8 and US 9 in shoes', ['shoe size: EU 42 / UK 8 / US 9']],
  ['I wear a size 12 in UK dresses', ['dress size: UK 12']],
  ["I'm between a medium and a large", ['clothing size: M-L']],
  ["I'm a medium or large in shirts", ['shirt size: M-L']],
  ["I'm an M in tops and L in jackets", ['shirt size: M', 'jacket size: L']],
  ['Medium tops, 30x32 jeans', ['shirt size: M', 'trouser size: 30/32']],
  ['Chest 100cm, waist 84 cm, hips 101', ['chest: 100 cm', 'waist: 84 cm', 'hips: 101']],
  ["I'm a 32C", ['bra size: 32C']],
  ["I'm a UK 8 (EU 36)", ['size: UK 8 / EU 36']],
  ['shoes 42, pants 32, shirts L', ['shoe size: 42', 'trouser size: 32', 'shirt size: L']],
  ['For my daughter: size 4. For me: size M.', ['clothing size: M']],
  ['for me: size M, for him: size L', ['clothing size: M']],
  ['change my shoe size to 11', ['shoe size: 11']],
  ['can you change my size to L?', ['clothing size: L']],
  ["my shoe size isn't 12", ['no shoe size 12']],
  ["I wear size 9 shoes. It's not 9, it's 10", ['shoe size: 9', 'shoe size: 10']],
  ['I wear size 9 shoes. Scratch that, 10', ['shoe size: 9', 'shoe size: 10']],
  ["I wear size 9 shoes. That's not right, I wear 10", ['shoe size: 9', 'shoe size: 10']],
  ['I wear EU 42 shoes. No, I meant 43', ['shoe size: EU 42', 'shoe size: EU 43']],
  ['I wear size 9 shoes. 10, not 9.', ['shoe size: 9', 'shoe size: 10']],
  ["I wear size 9 shoes. It's 10 actually.", ['shoe size: 9', 'shoe size: 10']],
  ['I wear 44 or 45 in shoes', ['shoe size: 44-45']],
  ["I'm between a 9 and a 9.5 in shoes", ['shoe size: 9-9.5']],
  ["I'm looking for boots in size 44", ['shoe size: 44']],
  ["I'd need size 44 boots", ['shoe size: 44']],
  ['I will need a size 44 in boots', ['shoe size: 44']],
  ['My shoe size went up to 10', ['shoe size: 10']],
  ['I wear M for everything', ['clothing size: M']],
  ["Women's 8 in shoes", ['shoe size: 8']],
  ['waist 32, inseam 34', ['waist: 32', 'inseam: 34']],
  ['UK 9', ['size: UK 9']],
  ['my shoes are EU 42 or 8 UK', ['shoe size: EU 42 / UK 8']],
  ["I'm no longer a size 9", ['no size 9', 'no shoe size 9', 'no clothing size 9']],
  ['My shoe size is no longer 9', ['no shoe size 9']],
  ['I wear EU 42 and UK 8', ['size: EU 42 / UK 8']],
];

const sizesByBrand: [string, string[]][] = [
  ['I wear a 9 in Nike but 8.5 in Adidas', ['size in Nike: 9', 'size in Adidas: 8.5']],
  ['9 in Nike, 8.5 in adidas', ['size in Nike: 9', 'size in Adidas: 8.5']],
  ['I wear a 9 in Nike shoes but 8.5 in everything else', ['shoe size in Nike: 9', 'shoe size: 8.5']],
  ["I'm a size 10 in Zara and 12 in H&M", ['size in Zara: 10', 'size in H&M: 12']],
  ['EU 42 in Nike, US 9 in Hoka', ['size in Nike: EU 42', 'size in Hoka: US 9']],
  ["In Adidas, I'm a 8.5", ['size in Adidas: 8.5']],
  ['my Nike shoe size is 9', ['shoe size in Nike: 9']],
  ['I take a 9 in Nike and Hoka shoes', ['shoe size in Nike: 9', 'shoe size in Hoka: 9']],
  ['M in Zara, L in jackets from Uniqlo', ['clothing size in Zara: M', 'jacket size in Uniqlo: L']],
  ['I wear size 9 Nike shoes', ['shoe size: 9']],
  ['I wear a 9 in Nike, no other shoes fit', ['shoe size in Nike: 9']],
];

/** Each name of a country and each size in letters, as it is said and as it is filed. */
const spelled: [string, string][] = [
  ...[
    ['US', 'US', 'American'],
    ['UK', 'UK', 'British'],
    ['EU', 'EU', 'EUR', 'European'],
    ['FR', 'FR', 'French'],
    ['IT', 'IT', 'Italian'],
    ['JP', 'JP'],
    ['AU', 'AU'],
  ].flatMap(([filed, ...said]) =>
    said.map((name): [string, string] => [`I wear a ${name} 40 in shoes`, `shoe size: ${filed} 40`]),
  ),
  ...'XXS XS S M L XL XXL XXXL 2XL 5XL'
    .split(' ')
    .map((said): [string, string] => [`My shirt size is ${said}`, `shirt size: ${said}`]),
  ['My shirt size is extra small', 'shirt size: XS'],
  ['My shirt size is small', 'shirt size: S'],
  ['My shirt size is extra-large', 'shirt size: XL'],
  ['My shirt size is x-large', 'shirt size: XL'],
  ['My shirt size is XX-large', 'shirt size: XXL'],
  ['My hat is one size', 'hat size: one size'],
];

const bodies: [string, string[]][] = [
  [`I'm 5'11" / 180 cm tall`, [`height: 5'11" / 180 cm`]],
  ['I’m 5’11”', [`height: 5'11"`]],
  ['I am 5 foot 9', [`height: 5'9"`]],
  ["I'm six feet tall", [`height: 6'0"`]],
  ['I am 1.82 m tall and weigh 80kg', ['height: 182 cm', 'weight: 80 kg']],
  ["I'm 1,7 m", ['height: 170 cm']],
  ["I'm Tom, 6'4\" and 110kg", ['height: 6\'4"', 'weight: 110 kg']],
  ['My height is 175', ['height: 175 cm']],
  ['height: 168 cm, weight: 61,5 kg', ['height: 168 cm', 'weight: 61.5 kg']],
  ['I weigh about 165 lbs', ['weight: 165 lb']],
  ['I weigh 11 stone 4', ['weight: 11 st 4 lb']],
  [`I'm 5'9" and wear a 32" waist`, [`height: 5'9"`, 'waist: 32 inches']],
  ["I'm 180 cm tall. Actually, 181 cm", ['height: 180 cm', 'height: 181 cm']],
  ['forget my height', ['no height']],
];

const occasions: [string, string[]][] = [
  ['for work I like plain shirts', ['likes plain (style) for work']],
  ['At the office, I avoid red', ['avoids red (colours) for work']],
  ['I like linen in summer', ['likes linen (materials) for summer']],
  ['I wear black to weddings', ['likes black (colours) for weddings']],
  ["I don't mind wool in winter", ['no longer avoids wool for winter']],
  ["I'm allergic to nickel at work", ['allergic to nickel (materials)']],
  ['I need something for a wedding in June', ['note wedding in June']],
  ["I need a dress for my sister's wedding in June", ["note my sister's wedding in June"]],
  ["I'm going to a garden party next Saturday", ['note garden party next Saturday']],
  ['My graduation is on May 4', ['note graduation on May 4']],
  ['my budget for Christmas presents is $500', ['budget for christmas: $500']],
  ['My budget for books is $50', ['budget for books: $50']],
];

/** How people begin what they say of themselves. */
const beginnings = [
  'I already told you that',
  'I just want you to know that',
  'I should mention that',
  'I forgot to say:',
  'Good morning,',
  'To be honest,',
  'One more thing:',
  'You should know that',
  'Keep in mind that',
  'Please note that',
  'No,',
  'By the way,',
  'Can you remember that',
  'I want you to remember that',
];

const budgets: [string, string[]][] = [
  ['My budget is $120', ['budget: $120']],
  ['my budget is around 120 dollars', ['budget: $120']],
  ['budget: 120', ['budget: 120']],
  ['I have a budget of €80', ['budget: €80']],
  ['I have a $120 budget', ['budget: $120']],
  ["I've got $120 to spend", ['budget: $120']],
  ['I can spend up to 80 euros', ['budget: €80']],
  ["I don't want to spend more than £50", ['budget: £50']],
  ["I'd like to spend at most $200", ['budget: $200']],
  ['under $120', ['budget: $120']],
  ['Something under $120 please', ['budget: $120']],
  ['up to 80 euros', ['budget: €80']],
  ['max 100', ['budget: 100']],
  ['no more than 100 CHF', ['budget: 100 CHF']],
  ['$150 max', ['budget: $150']],
  ['nothing over $90', ['budget: $90']],
  ['Actually my budget is $150', ['budget: $150']],
  ['My budget is now $1,200', ['budget: $1,200']],
  ['my budget is 1.5k dollars', ['budget: $1,500']],
  ['my shoe budget is $90', ['budget for shoes: $90']],
  ['My budget for boots is $200', ['budget for shoes: $200']],
  ['My budget is $100 a month', ['budget: $100 per month']],
  ['Between $80 and $120', ['budget: $80-$120']],
  ['between 50 and 100 euros', ['budget: €50-€100']],
  ['Set my budget to $150', ['budget: $150']],
  ['make it $150', ['budget: $150']],
  ['please raise my budget to 200 euros', ['budget: €200']],
  ["My budget isn't $120 but $150", ['budget: $150']],
  ["I don't have a budget", ['no budget']],
  ['Money is no object', ['no budget']],
  ["my budget's $120", ['budget: $120']],
  ['I need something for less than $75', ['budget: $75']],
  ['My monthly budget is $200', ['budget: $200 per month']],
  ["I'm on a budget of $120", ['budget: $120']],
  ['My budget is a hundred dollars', ['budget: $100']],
  ['I can spend a hundred and fifty euros', ['budget: €150']],
  ['no more than fifty bucks', ['budget: $50']],
  ['I have about 100 quid to play with', ['budget: £100']],
  ['I have $50-80 for a shirt', ['budget for shirts: $50-$80']],
  ["I'm not spending more than $50", ['budget: $50']],
  ['My budget is 100 for shoes but 50 for shirts', ['budget for shoes: 100', 'budget for shirts: 50']],
  [
    'I have a budget of $200 for boots and $80 for jeans',
    ['budget for shoes: $200', 'budget for trousers: $80'],
  ],
  ['My budget is $100. I meant euros.', ['budget: $100', 'budget: €100']],
];

const tastes: [string, string[]][] = [
  ['I hate wool', ['avoids wool (materials)']],
  ['i HATE wool!!', ['avoids wool (materials)']],
  ["I don't like wool", ['avoids wool (materials)']],
  ["Can't do slim fit", ['avoids slim fit (style)']],
  ["I can't stand polyester", ['avoids polyester (materials)']],
  ["I'm not a fan of leather", ['avoids leather (materials)']],
  ["I'm not really into suede", ['avoids suede (materials)']],
  ['I never wear fur', ['avoids fur (materials)']],
  [
    'I avoid wool, polyester and leather',
    ['avoids wool (materials)', 'avoids polyester (materials)', 'avoids leather (materials)'],
  ],
  ["I'm allergic to wool", ['allergic to wool (materials)']],
  ['allergic to nickel', ['allergic to nickel (materials)']],
  ['I have a wool allergy', ['allergic to wool (materials)']],
  ["I'd rather not wear wool", ['avoids wool (materials)']],
  ['Not a big fan of neon colors', ['avoids neon colours (colours)']],
  ["I'm a Nike girl", ['likes Nike (brands)']],
  ['favorite color: blue', ['likes blue (colours)']],
  ["I'm vegan so no leather", ['avoids leather (materials)']],
  ['Wool makes me itch', ['avoids wool (materials)']],
  ['wool is too itchy', ['avoids wool (materials)']],
  ['No leather please', ['avoids leather (materials)']],
  ['no wool, no leather', ['avoids wool (materials)', 'avoids leather (materials)']],
  ['nothing made of polyester', ['avoids polyester (materials)']],
  ['Anything but wool', ['avoids wool (materials)']],
  ['I hate wool sweaters because they itch', ['avoids wool (materials)']],
  ['I love linen and cotton', ['likes linen (materials)', 'likes cotton (materials)']],
  ['I like cotton but not polyester', ['likes cotton (materials)', 'avoids polyester (materials)']],
  ['I prefer cotton over polyester', ['likes cotton (materials)']],
  ['I like Nike', ['likes Nike (brands)']],
  ['i love nike and adidas', ['likes Nike (brands)', 'likes Adidas (brands)']],
  ['My favorite brand is Patagonia', ['likes Patagonia (brands)']],
  ['my favourite brands are Foo Bar and Zorg', ['likes Foo Bar (brands)', 'likes Zorg (brands)']],
  ['Patagonia is my favourite brand', ['likes Patagonia (brands)']],
  ['I like the brand Zorg', ['likes Zorg (brands)']],
  ["I don't buy Shein or Temu", ['avoids Shein (brands)', 'avoids Temu (brands)']],
  ['I only wear Nike', ['likes Nike (brands)']],
  ['I love The North Face', ['likes The North Face (brands)']],
  ['My favourite colour is green', ['likes green (colours)']],
  ['my favorite color is cerulean', ['likes cerulean (colours)']],
  ['I mostly wear black and navy', ['likes black (colours)', 'likes navy (colours)']],
  ['I hate orange', ['avoids orange (colours)']],
  ["I don't wear pink", ['avoids pink (colours)']],
  ['I love dark blue', ['likes dark blue (colours)']],
  ['No bright colors', ['avoids bright colours (colours)']],
  ['I like blue jeans', ['likes blue (colours)']],
  ['I love streetwear', ['likes streetwear (style)']],
  ['I like casual clothes', ['likes casual (style)']],
  ['My style is minimalist', ['likes minimalist (style)']],
  ['my style is a mix of streetwear and vintage', ['likes streetwear (style)', 'likes vintage (style)']],
  ["I'm not into brands but I love Veja", ['likes Veja (brands)']],
  ['my style is smart casual', ['likes smart casual (style)']],
  ["I'm a minimalist", ['likes minimalist (style)']],
  ["I'm into vintage", ['likes vintage (style)']],
  ['I love heels but hate short skirts', ['likes heels (style)', 'avoids short skirts (style)']],
  ['No zips or big logos please', ['avoids zips (style)', 'avoids big logos (style)']],
  ['I dress casually', ['likes casual (style)']],
  ['I prefer loose fits', ['likes loose (style)']],
  ['I love love love linen!!!', ['likes linen (materials)']],
  ['cotton only please', ['likes cotton (materials)']],
  ['I like earthy colours', ['likes earth tones (colours)']],
  ['my fave colour is green', ['likes green (colours)']],
  ['one of my favourite brands is Nike', ['likes Nike (brands)']],
  ['My least favourite colour is blue', ['avoids blue (colours)']],
  ['My favourite colour is probably blue or green', ['likes blue (colours)', 'likes green (colours)']],
  ['blue suits me', ['likes blue (colours)']],
  ['I look terrible in yellow', ['avoids yellow (colours)']],
  ["don't show me anything pink or purple", ['avoids pink (colours)', 'avoids purple (colours)']],
  ["I'd never be caught dead in Crocs", ['avoids Crocs (brands)']],
  ['I get hives from latex gloves', ['avoids latex (materials)']],
  ["Wool's fine actually", ['no longer avoids wool']],
  ["I don't hate wool any more", ['no longer avoids wool']],
  ['I have no problem with wool', ['no longer avoids wool']],
  ["I don't like wool much", ['avoids wool (materials)']],
  ["I don't mind wool", ['no longer avoids wool']],
  ["I'm no longer allergic to wool", ['no longer avoids/allergic to wool']],
  ['Wool is fine now', ['no longer avoids wool']],
  ['I no longer like Nike', ['no longer likes Nike']],
  ['I used to hate wool but now I like it', ['likes wool (materials)']],
];

/** What is said before the thing, by what it says of it. */
const predicates: [string, string][] = [
  ...[
    'I like',
    'I adore',
    'I prefer',
    'I enjoy wearing',
    'I favor',
    'I fancy',
    'I go for',
    'I mostly wear',
    'I buy',
    'I always choose',
    'I usually dress in',
    'I stick to',
    'I swear by',
    'I live in',
    'I look good in',
    'I feel good in',
    'I have a thing for',
    "I'm a huge fan of",
    "I'm a lover of",
    "I'm really into",
    "I'm fond of",
    "I'm keen on",
    "I'm mad about",
    "I'm crazy about",
    "I'm obsessed with",
    "I'm loyal to",
    'huge fan of',
    'only',
    'things I love:',
    'my go-to is',
    'likes:',
  ].map((words): [string, string] => [words, 'likes linen (materials)']),
  ...[
    'I hate',
    'I dislike',
    'I detest',
    'I loathe',
    'I despise',
    'I boycott',
    'I react badly to',
    'I get itchy from',
    'I get a rash from',
    'I break out in hives from',
    'I look washed out in',
    'I steer clear of',
    'Please stay away from',
    "I'm against",
    "I'm anti",
    'I have a problem with',
    'I refuse to wear',
    "I don't really like",
    "I'm not obsessed with",
    "I can't bear",
    "I can't tolerate",
    "My skin can't handle",
    'My skin reacts to',
    'My skin hates',
    "My skin doesn't tolerate",
    "I don't care for",
    "I'm not comfortable in",
    "I don't want",
    "I don't do",
    'I never touch',
    'I never buy',
    'Never show me anything',
    'Stop recommending',
    "Please don't suggest",
    "Don't offer me",
    'no more',
    'zero',
    'without',
    'everything but',
    'nothing containing',
    'brands to avoid:',
    "things I can't stand:",
  ].map((words): [string, string] => [words, 'avoids linen (materials)']),
  ...[
    'I no longer like',
    'I stopped wearing',
    "I'm so over",
    "I'm done with",
    "I'm tired of",
    "I'm no longer into",
  ].map((words): [string, string] => [words, 'no longer likes linen']),
  ...[
    "I don't hate",
    'I stopped avoiding',
    'I have nothing against',
    "I don't have anything against",
    "I don't have a problem with",
    "I'm fine with",
    'I changed my mind about',
    "I wouldn't mind",
  ].map((words): [string, string] => [words, 'no longer avoids linen']),
  ...["I don't react to", 'I no longer react to', "I'm not allergic to"].map((words): [string, string] => [
    words,
    'no longer avoids/allergic to linen',
  ]),
];

const allergies: [string, string[]][] = [
  ["I'm allergic to lanolin", ['allergic to lanolin (materials)']],
  ['im alergic to wool', ['allergic to wool (materials)']],
  [
    'I am allergic to latex, lanolin and formaldehyde resins',
    [
      'allergic to latex (materials)',
      'allergic to lanolin (materials)',
      'allergic to formaldehyde resins (materials)',
    ],
  ],
  [
    'I have allergies to chromium & cobalt',
    ['allergic to chromium (materials)', 'allergic to cobalt (materials)'],
  ],
  ['I have a severe lanolin allergy', ['allergic to lanolin (materials)']],
  ['My allergies: wool and lanolin', ['allergic to wool (materials)', 'allergic to lanolin (materials)']],
  ["I've an allergy: wool", ['allergic to wool (materials)']],
  [
    'I have a few allergies (wool, nickel)',
    ['allergic to wool (materials)', 'allergic to nickel (materials)'],
  ],
  ["my doctor says I'm allergic to nickel", ['allergic to nickel (materials)']],
  ['I was told that I am allergic to nickel', ['allergic to nickel (materials)']],
  ["I'm allergic to anything with wool in it", ['allergic to wool (materials)']],
  ['I had an allergic reaction to latex once', ['allergic to latex (materials)']],
  ["I'm sensitive to wool", ['allergic to wool (materials)']],
  ["I'm allergic to nickel in jewellery", ['allergic to nickel (materials)']],
  ["I'm allergic to latex gloves because of work", ['allergic to latex (materials)']],
  ["I'm allergic to cats, and wool", ['allergic to wool (materials)']],
  ["I'm no longer allergic to lanolin", ['no longer avoids/allergic to lanolin']],
  [
    "I'm not allergic to wool, I just hate it",
    ['no longer avoids/allergic to wool', 'avoids wool (materials)'],
  ],
];

const runOns: [string, string[]][] = [
  [
    'hi i like nike and adidas my size is 9 in shoes and im a medium in shirts my budget is around 100 euros',
    ['likes Nike (brands)', 'likes Adidas (brands)', 'shoe size: 9', 'shirt size: M', 'budget: €100'],
  ],
  ['I think my size is 9 in shoes', ['shoe size: 9']],
  ['They said my size is 9', []],
];

const lists: [string, string[]][] = [
  ['- size M\n- budget 50\n- no wool', ['clothing size: M', 'budget: 50', 'avoids wool (materials)']],
  [
    'likes: cotton, linen. dislikes: wool',
    ['likes cotton (materials)', 'likes linen (materials)', 'avoids wool (materials)'],
  ],
  ['I hate wool (and polyester)', ['avoids wool (materials)', 'avoids polyester (materials)']],
  [
    'I like dark colours, esp navy and charcoal. No fur obviously.',
    [
      'likes dark colours (colours)',
      'likes navy (colours)',
      'likes charcoal (colours)',
      'avoids fur (materials)',
    ],
  ],
  [
    'I hate wool, polyester makes me sweat, and nickel gives me a rash',
    ['avoids wool (materials)', 'avoids polyester (materials)', 'avoids nickel (materials)'],
  ],
  ['I ❤️ linen', ['likes linen (materials)']],
  ['lol I hate wool haha 😂', ['avoids wool (materials)']],
  ['My wife and I both hate wool', ['avoids wool (materials)']],
];

const mixed: [string, string[]][] = [
  ['Hi, I wear size 9 shoes and hate wool', ['shoe size: 9', 'avoids wool (materials)']],
  ['My budget is $120, can you find me boots?', ['budget: $120']],
  ['I wear size 9, do you have black boots?', ['shoe size: 9']],
  ['size 9 shoes, budget $120, no wool', ['shoe size: 9', 'budget: $120', 'avoids wool (materials)']],
  [
    'Hey there! I like Nike, I hate orange. Budget is 80 euros.',
    ['likes Nike (brands)', 'avoids orange (colours)', 'budget: €80'],
  ],
  ['My brother wears a 10, I wear a 9 in shoes', ['shoe size: 9']],
  ['My wife loves Gucci and I hate wool', ['avoids wool (materials)']],
  ['Call me Annie', ['name: Annie']],
  ['my name is Ann', ['name: Ann']],
  ['you can call me ben', ['name: ben']],
  ['Remember that I hate wool', ['avoids wool (materials)']],
  ['Remember that my birthday is May 4', ['note my birthday is May 4']],
  ["Remember that my sister's birthday is May 4", ["note my sister's birthday is May 4"]],
  ['please remember: my brother wears a 10', ['note my brother wears a 10']],
  ['Can you remember that I wear size 9 shoes?', ['shoe size: 9']],
  ["Don't forget that I prefer free returns", ['note I prefer free returns']],
  ['My friends call me Annie', ['name: Annie']],
  [
    'i hate polyester and love cotton, any ideas for a summer dress?',
    ['avoids polyester (materials)', 'likes cotton (materials)'],
  ],
  ['I wear size 9 shoes. Actually, make that 9.5', ['shoe size: 9', 'shoe size: 9.5']],
  ['My budget is 80 euros. Sorry, I meant 100', ['budget: €80', 'budget: €100']],
  ['forget what I said about wool', ['no longer likes/avoids/allergic to wool']],
  ['remove wool from my dislikes', ['no longer likes/avoids/allergic to wool']],
  ['forget my budget', ['forget budget']],
  ['No, forget my budget', ['forget budget']],
  ['Forget my favorite labels', ['forget brands']],
  ['Forget that I hate wool', ['no longer avoids wool']],
  ['forget my allergies', ['forget all allergic to']],
  ['forget my lanolin allergy', ['no longer allergic to lanolin']],
  ['please forget my shoe size', ['no shoe size']],
  ['forget my sizes and my colours', ['forget sizes', 'forget colours']],
  ['Forget about wool', ['no longer likes/avoids/allergic to wool']],
  ['Forget everything', ['forget all']],
  ['forget everything you know about me', ['forget all']],
  ['delete all my data', ['forget all']],
  ['forget my name', ['no name']],
  ['forget the note about wool', ['forget lines with wool']],
  ["forget my sister's birthday", ["forget lines with sister's birthday"]],
];

const nothing: string[] = [
  'do you have size 9?',
  'Do you have these in size 9',
  'what is my budget?',
  "what's my shoe size",
  'Is my budget $120?',
  'Do I hate wool?',
  'did I tell you I hate wool?',
  'Do you remember that I hate wool?',
  'How much is a wool coat in size M?',
  'I wear a 9, right?',
  'Should I avoid wool?',
  'my brother wears a 10',
  'My brother wears a 10 and hates wool',
  'My wife loves Gucci',
  "My wife's budget is $500",
  'he is allergic to wool',
  'Ben wears a 10',
  'She hates polyester. Size 8.',
  'I need size 10 shoes for my brother',
  "I'm looking for a gift for my wife, size M",
  'My friend said "I hate wool"',
  'They told me my budget is $50',
  'if I wore size 9, what would fit?',
  'If I hate wool and wear size 9, what should I buy',
  'imagine my budget is $5000',
  'I used to wear a 9',
  'I wore a size 9 last year',
  'when I was 10 I wore size 3',
  'My budget was $100 last year',
  'I paid $120 for these',
  'These cost $120',
  'I like cotton candy',
  'I hate Black Friday',
  'I like orange juice',
  'I love salmon',
  'I like the black Nike boots you showed me',
  "I'm 9 years old",
  'I have 2 shoes',
  'I need 3 shirts',
  'I am a small business owner',
  'call me later',
  'Call me when you know',
  'Forget it',
  'I forgot my budget',
  'remember me?',
  'do you remember my size?',
  'up to 3 days',
  'under 18',
  'Find me shoes under $120',
  'thanks!',
  'Hello',
  'Recommend a wool jacket',
  'show me red dresses in size M',
  'I like you',
  'what do you know about me?',
  'I want a black jacket',
  'I like simple answers',
  '> I hate wool',
  'Remove the wool ones',
  'I have diabetes',
  'No, thanks',
  'I like Paris',
  'We have a black cat',
  'I am wearing red today',
  'People say I hate wool',
  'I was going to say I hate wool',
  'I love my wool sweater',
  'I returned the wool sweater',
  'I hate that wool is so expensive',
  'My rent is under $500',
  'I make $5000 a month',
  'I need a medium latte',
  "I'm 6 feet away",
  "I'm 5'14",
  "I'm 500 cm tall",
  'I weigh 5 kg',
  'I lost 5 kg',
  'I want to weigh 60 kg',
  'I need a rug, 180 cm',
  'My son is 120 cm tall',
  "I need something for my wife's birthday in June",
  'I need something for a wedding',
  'I go to work',
  "I don't need wool",
  "I'm not fine with wool",
  '12 Zara 10 H&M',
  'Actually, make it 9.5',
  'tell Ben my budget is $50',
  "My husband wears a 10 and can't stand wool. Budget $80.",
  'for my husband: size 11 shoes, under $80',
  "I don't know my shoe size",
  "I'm not sure if I like wool",
  'my son is allergic to lanolin',
  'Buy red socks',
  'I want to be a size 8 by summer',
  "I'd like to be a size 8",
  'Size 9 shoes are too big for me',
  'You like wool',
  "Ann's size is 9",
  'a present for Ann, size M',
  'my child hates wool',
  'I want to spend $50 on my mum',
  "I'd like some Nike shoes",
  "I'd love a silk dress",
  "I'm trans, I wear men's clothes",
  'I wear 4 inch heels',
  'I have two shoes',
  'it is 5 degrees',
  'I just LOVE polyester /s',
  "I'm allergic to polyester lol jk",
  'I adore wool. NOT.',
  "I don't not like wool",
  "I'm allergic to it",
  "I'm allergic to your prices",
  "I'm not allergic to anything",
];

/** What is kept of it, and what the person is told was not understood. */
const inPart: [string, string[], string[]][] = [
  ['I like Nike, Zorg and Hoka', ['likes Nike (brands)', 'likes Hoka (brands)'], ['Zorg']],
  ['I love cotton candy and linen', ['likes linen (materials)'], ['cotton candy']],
  ['I wear size 9 shoes and I have a big garden', ['shoe size: 9'], ['I have a big garden']],
  ['I like jeans for work', [], ['I like jeans for work']],
  [
    'I hate wool and I am allergic to the stuff they put in tights',
    ['avoids wool (materials)'],
    ['I am allergic to the stuff they put in tights'],
  ],
  ['ring size 7, wrist 16cm', ['ring size: 7'], ['wrist 16cm']],
  ['I like Nike for shoes and Zara for dresses', ['likes Nike (brands)'], ['Zara for dresses']],
  ['need running shoes size 10 wide max 120', ['shoe size: 10 wide'], ['max 120']],
  ["I'm a 9, she's a 6", [], ['I am a 9']],
  ["My husband's budget is $50 but mine is $200", [], ['mine is $200']],
  ['I want to sleep', [], ['I want to sleep']],
  ["I'm sensitive to smells", [], ['I am sensitive to smells']],
  ['I like Vinted', [], ['I like Vinted']],
  ['Nike sucks', [], ['Nike sucks']],
  [
    'I am allergic to wool. Nickel too.',
    ['allergic to wool (materials)', 'allergic to nickel (materials)'],
    [],
  ],
  ['I hate wool. Green please.', ['avoids wool (materials)'], ['Green']],
  ["My sister wears a 6 and I don't know mine", [], []],
  ['I need boots', [], []],
  ['Remind me of my shoe size', [], []],
  ['Show my sizes', [], []],
  ['I love it, thanks', [], []],
  ["I'm fine", [], []],
  ["Hi, I'm Ann. I hate wool", ['avoids wool (materials)'], []],
  ["I'm Ann Lee and I hate wool", ['avoids wool (materials)'], []],
  ["I'm vegan and I hate wool", ['avoids wool (materials)'], ['I am vegan']],
  ['what is my budget?', [], []],
];

describe('understanding what a person says', () => {
  it.each(sizes)('sizes: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(sizesByBrand)('sizes by brand: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(spelled)('%s', (text, expected) => {
    expect(learned(text)).toEqual([expected]);
  });
  it.each(bodies)('height and weight: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(occasions)('occasions: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(budgets)('budget: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(tastes)('tastes: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(beginnings)('%s I hate wool', words => {
    expect(learned(`${words} I hate wool`)).toEqual(['avoids wool (materials)']);
  });
  it.each(predicates)('%s: %s', (words, expected) => {
    expect(learned(`${words} linen`)).toEqual([expected]);
  });
  it.each(allergies)('allergies: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(inPart)('in part: %s', (text, expected, unread) => {
    expect(learned(text)).toEqual(expected);
    expect(understand([text]).unread).toEqual(unread);
  });
  it.each(runOns)('without a stop: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(lists)('listed: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(mixed)('together: %s', (text, expected) => {
    expect(learned(text)).toEqual(expected);
  });
  it.each(nothing)('learns nothing from: %s', text => {
    expect(learned(text)).toEqual([]);
  });
});
