/**
 * How the device tokens of a list are written: hex or base64 for APNs, text for FCM, or both in one list, with a column
 * that says which. Chosen by the campaign; asked by every reader of a list. Pure, main thread.
 */
import { isDeviceToken, parseDeviceToken } from '../../apns/device-token.js';
import { likelyTextTokenBytes, usualTokenBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { readTarget, type TargetKind } from '../../fcm/registration-token.js';
import type { TokenEncoding } from '../../push/token-block.js';

/** Why a text is no token: the rest of a sentence that begins with the text. */
interface NoToken {
  readonly why: string;
}

export interface TokenForm {
  readonly encoding: TokenEncoding;
  /** The bytes of a token, or why the text is none. Never throws. */
  read(text: string): Uint8Array | NoToken;
  /** Bytes of a text that looks like a token, so that columns can be found by it; 0 for any other text. */
  likeBytes(text: string): number;
  /** Whether tokens of today have so many bytes. */
  isUsual(bytes: number): boolean;
  /** Why a last token without a line end may be half of one. */
  readonly halfLine: string;
  /** Whether texts of registration tokens need no second look. Missing: no. */
  readonly isPlainText?: boolean;
  /** Where a list has both kinds: what the row says of its own. Missing: all tokens are of this form. */
  readonly platforms?: Platforms;
}

interface Platforms {
  /** The name of the column. */
  readonly column: string;
  /** The form of a token whose platform is that, or why it has none. */
  formOf(platform: string): TokenForm | NoToken;
}

function halfLine(usual: string): string {
  return (
    `is the last line, has no line end, and is shorter than every token before it and than ${usual}: ` +
    'the file was probably cut off'
  );
}

const hexForms = new Map<number | undefined, TokenForm>();

/** Device tokens of APNs. `minBytes` of the shortest one. */
export function hexForm(minBytes?: number): TokenForm {
  const known = hexForms.get(minBytes);
  if (known !== undefined) return known;
  const form: TokenForm = {
    encoding: 'hex',
    read: (text) => parseDeviceToken(text, minBytes),
    likeBytes: (text) => {
      const parsed = parseDeviceToken(text, minBytes);
      return isDeviceToken(parsed) ? parsed.length : 0;
    },
    isUsual: (bytes) => bytes === usualTokenBytes,
    halfLine: halfLine("Apple's 32 bytes"),
  };
  hexForms.set(minBytes, form);
  return form;
}

/** Google asks senders not to rely on this form: it only tells a column of tokens from others. */
const registrationLike = /^["']?[\w-]{8,}:[\w-]{24,}["']?$/;

/** Recipients of FCM. */
function textFormOf(kind: TargetKind): TokenForm {
  const isLike = (text: string): boolean =>
    kind === 'token' ? registrationLike.test(text) : readTarget(text, kind) instanceof Uint8Array;
  return {
    encoding: 'text',
    read: (text) => readTarget(text, kind),
    likeBytes: (text) => (isLike(text.trim()) ? text.trim().length : 0),
    isUsual: (bytes) => bytes >= likelyTextTokenBytes || kind !== 'token',
    halfLine: halfLine(`the ${likelyTextTokenBytes} characters of registration tokens`),
    isPlainText: kind === 'token',
  };
}

const textForms = { token: textFormOf('token'), topic: textFormOf('topic'), fid: textFormOf('fid') } as const;

/** @param kind what the recipients of a message to FCM are. Default: registration tokens */
export function textForm(kind: keyof typeof textForms = 'token'): TokenForm {
  return textForms[kind];
}

/** What a cell of the column says, in lower case. */
const encodingOfPlatform: Readonly<Record<string, TokenEncoding>> = {
  ios: 'hex',
  apns: 'hex',
  apple: 'hex',
  android: 'text',
  fcm: 'text',
  google: 'text',
  web: 'text',
};

/** Both kinds in one list: the cell of `column` says which one that of the row is. */
export function mixedForm(column: string, minBytes?: number): TokenForm {
  const hex = hexForm(minBytes);
  const formOf = (platform: string): TokenForm | NoToken => {
    const text = platform.trim();
    const encoding = encodingOfPlatform[text.toLowerCase()];
    if (encoding !== undefined) return encoding === 'hex' ? hex : textForms.token;
    const shown = escapeUnprintable(column, 40);
    if (text === '') return { why: `has no platform in its column "${shown}": write ios or android` };
    const said = escapeUnprintable(text, 40);
    return { why: `has the platform "${said}" in its column "${shown}": write ios or android` };
  };
  return {
    encoding: 'hex',
    read: (text) => hex.read(text),
    likeBytes: (text) => hex.likeBytes(text) || textForms.token.likeBytes(text),
    isUsual: (bytes) => hex.isUsual(bytes) || textForms.token.isUsual(bytes),
    halfLine: hex.halfLine,
    platforms: { column, formOf },
  };
}

/** 1 for characters of registration tokens that need no second look. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) => (/[\w:-]/.test(String.fromCharCode(byte)) ? 1 : 0));
const COLON = 0x3a;

/**
 * Where a registration token ends that begins at `from`, as long as it is of the usual form: these characters, with a
 * colon among them. Returns `from` for any other text.
 */
export function endOfPlainText(bytes: Uint8Array, from: number): number {
  let end = from;
  let colons = 0;
  for (; end < bytes.length && isPlain[bytes[end]!] === 1; end++) if (bytes[end] === COLON) colons++;
  return colons === 0 ? from : end;
}
