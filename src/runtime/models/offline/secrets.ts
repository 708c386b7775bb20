/**
 * What must never be filed, whoever asks. Errs on the side of refusing: a refused note costs a sentence,
 * a stored password cannot be taken back.
 */

export type Sensitive = 'card' | 'credential' | 'identity' | 'health';

const credentialWords =
  'password|passphrase|passwort|passcode|pass code|pin|pin code|cvv|cvc|security code|api[ _-]?key|secret(?: key)?|' +
  'private key|recovery (?:code|phrase)|seed phrase|(?:access |auth |bearer |bot )?token|one[- ]time code|2fa code|otp';
const identityWords =
  'ssn|social security(?: number)?|passport(?: number| no\\.?)?|iban|bank account(?: number)?|account number|sort code|' +
  "routing number|driver'?s licen[cs]e(?: number)?|national insurance(?: number)?|tax id";

const credential = new RegExp(
  `\\b(?:${credentialWords})\\b[^.!?\\n]{0,30}?(?:\\bis\\b|\\bwas\\b|[:=])\\s*\\S`,
  'i',
);
const credentialBare = new RegExp(
  `\\bmy (?:\\w+ ){0,2}(?:${credentialWords}) (?=\\S*[\\d!@#$%^&*_])\\S{4,}`,
  'i',
);
const identity = new RegExp(`\\b(?:${identityWords})\\b[^.!?\\n]{0,30}?(?:\\bis\\b|[:=#]|\\d)\\s*\\S`, 'i');
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
const ibanShape = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b/;
const ssnShape = /\b\d{3}-\d{2}-\d{4}\b/;

const health =
  /\b(?:diabet\w*|cancer|asthma\w*|depress(?:ed|ion)|anxiety|adhd|autis\w*|bipolar|epilep\w*|hiv|aids|arthritis|eczema|psoriasis|pregnan\w*|miscarriage|surgery|chemo\w*|medications?|medicines?|antidepressants?|insulin|prescription|diagnos\w*|disorder|disease|illness|disabilit\w*|syndrome|blood (?:type|pressure|sugar)|therapist|psychiatr\w*|allerg\w+ to (?:nuts?|peanuts?|penicillin|pollen|dairy|milk|eggs?|gluten|shellfish|fish|bees?|cats?|dogs?|soy))\b/i;

/** The kind of thing in `text` that is not kept, or null. */
export function sensitiveIn(text: string): Sensitive | null {
  if (hasCardNumber(text)) return 'card';
  if (tokenShapes.some(shape => shape.test(text))) return 'credential';
  if (credential.test(text) || credentialBare.test(text)) return 'credential';
  if (identity.test(text) || ibanShape.test(text) || ssnShape.test(text)) return 'identity';
  return health.test(text) ? 'health' : null;
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
