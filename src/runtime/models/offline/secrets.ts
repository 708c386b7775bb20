/**
 * What must never be filed, whoever asks. Errs on the side of refusing: a refused note costs a sentence,
 * a stored password cannot be taken back.
 */

export type Sensitive = 'card' | 'credential' | 'identity' | 'address' | 'health';

const credentialWords =
  'password|passphrase|passwort|kennwort|passcode|pass code|pin|pin code|geheimzahl|cvv|cvc|security code|' +
  'api[ _-]?key|secret(?: key)?|private key|recovery (?:code|phrase)|seed phrase|(?:access |auth |bearer |bot )?token|' +
  'one[- ]time code|2fa code|otp|zugangsdaten';
const locks =
  'door|front door|gate|entry|entrance|access|alarm|lock|locker|safe|garage|building|lobby|intercom|key ?box|' +
  'house|flat|apartment|office';
const entryCodes = `(?:${locks})[ -]?(?:key ?)?codes?|(?<!dress )codes? (?:to|for|of) (?:\\w+ ){0,3}(?:${locks})|t(?:ü|ue)rcode|zugangscode`;
/** Without a password of their own in the words: what follows has to look like one. */
const accounts = 'wi-?fi|wlan|log-?ins?|user ?names?|zugang';
const identityWords =
  'ssn|social security(?: number)?|passport(?: number| no\\.?)?|iban|bank account(?: number)?|account number|sort code|' +
  "routing number|driver'?s licen[cs]e(?: number)?|national insurance(?: number)?|tax id";

const is = '(?:\\b(?:is|was|are|ist|war|lautet)\\b|[:=])';
const credential = new RegExp(`\\b(?:${credentialWords}|${entryCodes})\\b[^.!?\\n]{0,30}?${is}\\s*\\S`, 'i');
const credentialBare = new RegExp(
  `\\bmy (?:\\w+ ){0,2}(?:${credentialWords}) (?=\\S*[\\d!@#$%^&*_])\\S{4,}|\\b(?:${entryCodes}) #?\\d`,
  'i',
);
const account = new RegExp(
  `\\b(?:${accounts})\\b[^.!?\\n]{0,30}?${is}\\s*(?=[^.?\\n]*[\\d!@#$%^&*_/])\\S`,
  'i',
);
const identity = new RegExp(`\\b(?:${identityWords})\\b[^.!?\\n]{0,30}?(?:${is}|#|\\d)\\s*\\S`, 'i');

/** A house and its street. What is also an everyday word or a shoe's name counts only where somebody lives. */
const streets = [
  /\b\d{1,5}[a-z]?,? (?:(?!(?:in|on|at|by|for|from|with|to|and|or|my|an?|is|are|of)\b)[\p{L}'.-]+ ){1,3}(?:street|str?\.|road|rd|avenue|ave|lane|boulevard|blvd)(?=\s*(?:$|[,.;!?)]|\d|in\b|and\b))/iu,
  /\b(?:live|living|reside|stay|staying|address|deliver\w*|ship\w*|home|house|flat)\b[^.!?\n]{0,30}?\b\d{1,5}[A-Za-z]? (?:\p{Lu}[\p{L}'.-]+ ){1,3}(?:St|Drive|Dr|Close|Court|Ct|Square|Sq|Terrace|Way|Place|Pl|Crescent|Mews|Gardens|Row|Hill|Park|Quay)\b/u,
  /(?:\p{L}(?:stra(?:ß|ss)e|str\.|gasse|allee|platz|weg)|\p{L}-?(?:Straße|Strasse|Allee|Platz|Weg)) \d{1,4}[a-z]?\b/u,
  /\b\p{Lu}[\p{L}-]* (?:Straße|Strasse|Str\.|Gasse|Allee|Platz|Weg) \d{1,4}[a-z]?\b/u,
  /\b\d{1,4}(?: bis| ter)?,? rue \p{L}/iu,
];
const livesAt =
  /\b(?:live|living|stay|staying|reside) at (?:number |no\.? |flat |apartment |apt\.? |house )?#?\d/i;
const addressGiven = new RegExp(
  `\\b(?:my|our|the|meine) (?:(?!e-?mail|mail|web)[\\w-]+ ){0,2}(?:address|adresse)(?: (?:for|in) \\w+)?\\s*${is}\\s*(?!\\S+@)\\S`,
  'i',
);

const tokenShapes = [
  /\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}/,
  /\bgh[pousr]_[A-Za-z0-9]{16,}/,
  /\bgithub_pat_\w{16,}/,
  /\bglpat-[\w-]{16,}/,
  /\bxox[abeoprs]-[\w-]{10,}/,
  /\bAKIA[0-9A-Z]{16}\b/,
  /\bAIza[\w-]{30,}/,
  /\beyJ[\w-]{10,}\.[\w-]{10,}/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b[MN][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}/,
];
const iban = /\biban\b[^.!?\n]{0,40}\d|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/;
const ssnShape = /\b\d{3}-\d{2}-\d{4}\b/;

/** What people are allergic to that no shop for clothes needs to know. */
const allergens =
  '(?:pea|tree |wal|hazel|cashew )?nuts?|almonds?|penicillin|antibiotics?|aspirin|ibuprofen|sulfa|pollen|grass|hay|ragweed|dust(?: mites?)?|mou?ld|dairy|milk|lactose|eggs?|gluten|wheat|soya?|sesame|celery|shellfish|seafood|fish|prawns?|shrimps?|crabs?|lobster|strawberr(?:y|ies)|fruit|apples?|kiwis?|chocolate|alcohol|bees?|wasps?|insects?|cats?|dogs?|horses|animals?|pets?';
const allergy = new RegExp(
  `\\b(?:allergic|allergy|allergies) to (?:\\w+ )?(?:${allergens})\\b|\\b(?:${allergens}) allerg(?:y|ies)\\b`,
  'i',
);

const health =
  /\b(?:diabet\w*|cancer|asthma\w*|depress(?:ed|ion)|anxiety|adhd|autis\w*|bipolar|epilep\w*|hiv|aids|arthritis|eczema|psoriasis|pregnan\w*|miscarriage|surgery|chemo\w*|medications?|medicines?|antidepressants?|insulin|prescription|diagnos\w*|disorder|disease|illness|disabilit\w*|syndrome|blood (?:type|pressure|sugar)|therapist|psychiatr\w*)\b/i;

/** The kind of thing in `text` that is not kept, or null. */
export function sensitiveIn(text: string): Sensitive | null {
  // Before cards: the digits of an account number can happen to pass for one.
  if (iban.test(text)) return 'identity';
  if (hasCardNumber(text)) return 'card';
  if (tokenShapes.some(shape => shape.test(text))) return 'credential';
  if (credential.test(text) || credentialBare.test(text) || account.test(text)) return 'credential';
  if (identity.test(text) || ssnShape.test(text)) return 'identity';
  if (livesAt.test(text) || addressGiven.test(text) || streets.some(street => street.test(text)))
    return 'address';
  return health.test(text) || allergy.test(text) ? 'health' : null;
}

/** Any run of 13 to 19 digits, spaced or dashed as people write them, that passes the Luhn check. */
function hasCardNumber(text: string): boolean {
  for (const [run] of text.matchAll(/\d(?:[ .-]?\d){12,}/g)) {
    const digits = run.replace(/\D/g, '');
    for (let length = 13; length <= Math.min(19, digits.length); length++) {
      for (let from = 0; from + length <= digits.length; from++) {
        if (passesLuhn(digits.slice(from, from + length))) return true;
      }
    }
  }
  return false;
}

function passesLuhn(digits: string): boolean {
  if (/^0+$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
