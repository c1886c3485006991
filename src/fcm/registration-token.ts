/**
 * Reads the recipients of FCM: registration tokens, installation ids, topics and conditions. They stand in the body of
 * a request as they are, so each is text that JSON need not escape. Google gives no form of tokens and asks senders to
 * check none, so only what surely is none is refused. Pure, any thread.
 *
 * Sources: Firebase documentation, "REST Resource: projects.messages", "Send messages to topics" (docs/fcm.md).
 */
import { Buffer } from 'node:buffer';
import {
  maxConditionTopics,
  maxTextTokenBytes,
  maxTopicNameCharacters,
  minTextTokenCharacters,
} from '../base/limits.js';
import { counted, escapeUnprintable } from '../base/text.js';

/** What a message goes to, by the field of the message that names it. */
export type TargetKind = 'token' | 'topic' | 'condition' | 'fid';

/** Why a text is not a recipient: the rest of a sentence that begins with the text ("is empty"). */
export interface InvalidTarget {
  readonly why: string;
}

/**
 * Returns the bytes of a recipient, or why it is none. Never throws. Blanks and quotes around it are ignored, and
 * `/topics/` before a topic.
 *
 * @param token text, or its bytes
 */
export function readTarget(token: unknown, kind: TargetKind = 'token'): Uint8Array | InvalidTarget {
  if (kind === 'token' && typeof token === 'string' && isUsualToken(token)) return Buffer.from(token, 'latin1');
  const given = token instanceof Uint8Array ? textOfBytes(token) : token;
  if (typeof given !== 'string') return { why: `is ${given === null ? 'null' : typeof given}, not text` };
  // A condition may begin and end with the single quote of a topic.
  const outer = kind === 'condition' ? /^(")(.*)\1$/s : /^(["'])(.*)\1$/s;
  const bare = given.replace(/^[\ufeff\s]+|[\0\s]+$/g, '');
  const text = (outer.exec(bare)?.[2] ?? bare).trim();
  if (text === '') return { why: 'is empty' };
  if (text.length > maxTextTokenBytes) {
    return { why: `has ${text.length} characters, more than ${maxTextTokenBytes}` };
  }
  const name = kind === 'topic' ? text.replace(/^\/topics\//, '') : text;
  const why = faults[kind](name);
  return why === null ? Buffer.from(name, 'latin1') : { why };
}

const usualToken = /^[\w-]+:[\w-]+$/;

/**
 * Whether it is a token in the form of today, which comes to the same on the way that looks at all others: it is
 * faster.
 */
export function isUsualToken(text: string): boolean {
  const { length } = text;
  return length >= minTextTokenCharacters && length <= maxTextTokenBytes && usualToken.test(text);
}

/** Text in another encoding has characters that no recipient has. */
function textOfBytes(bytes: Uint8Array): string {
  const { buffer, byteOffset, length } = bytes;
  return Buffer.from(buffer, byteOffset, Math.min(length, maxTextTokenBytes * 2)).toString('latin1');
}

const faults: Readonly<Record<TargetKind, (text: string) => string | null>> = {
  token: tokenFault,
  fid: installationFault,
  topic: topicFault,
  condition: conditionFault,
};

/** Characters that JSON would have to escape, blanks, and those that stand between tokens in lists. */
const notInToken = /[^\x21-\x7e]|["'\\,;<>{}[\]|]/;
/** Device tokens of APNs as they are usually written: 32 to 100 bytes. */
const hexToken = /^<?(?:[0-9a-f]{8} ?){8,25}>?$/i;

function tokenFault(text: string): string | null {
  if (hexToken.test(text)) {
    return 'is a device token of APNs (hex digits): send it through APNs, or give the registration token of FCM';
  }
  const strange = notInToken.exec(text)?.[0];
  if (strange !== undefined) return `has ${shown(strange)}, which no registration token has: give one token alone`;
  if (text.length >= minTextTokenCharacters) return null;
  return `has ${counted(text.length, 'character')}; a registration token has at least ${minTextTokenCharacters}`;
}

function installationFault(text: string): string | null {
  if (usualToken.test(text)) return 'is a registration token, not an installation id: send it as a token';
  const strange = /[^\w-]/.exec(text)?.[0];
  return strange === undefined ? null : `has ${shown(strange)}, which no installation id has`;
}

function topicFault(text: string): string | null {
  if (text.length > maxTopicNameCharacters) {
    return `has ${text.length} characters; the name of a topic has at most ${maxTopicNameCharacters}`;
  }
  if (/\bin topics\b/.test(text)) return 'is a condition, not the name of a topic: send it as a condition';
  const strange = /[^\w.~%-]/.exec(text)?.[0];
  return strange === undefined ? null : `has ${shown(strange)}; names of topics are made of a-z, A-Z, 0-9 and -_.~%`;
}

function conditionFault(text: string): string | null {
  const strange = /[^\x20-\x7e]|["\\]/.exec(text)?.[0];
  if (strange === '"') return 'has double quotes: write the topics of a condition in single quotes';
  if (strange !== undefined) return `has ${shown(strange)}, which no condition has`;
  const topics = text.match(/'[^']*'\s+in\s+topics\b/g)?.length ?? 0;
  if (topics === 0) return "names no topic: write 'news' in topics, and join several by && and ||";
  if (topics > maxConditionTopics) return `names ${topics} topics; FCM allows ${maxConditionTopics}`;
  const outside = text.replace(/'[^']*'/g, '');
  if (outside.includes("'")) return 'has a single quote without its partner';
  return isBalanced(outside) ? null : 'has a bracket without its partner';
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function shown(character: string): string {
  if (/\s/.test(character)) return 'a blank';
  return `the character ${escapeUnprintable(character, 4)}`;
}
