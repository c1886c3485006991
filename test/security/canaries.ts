/**
 * Secrets that must never be seen, and the search for them: every form in which text, inspect or JSON could show one.
 * Used by the tests of this folder.
 */
import assert from 'node:assert/strict';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { type Clock, systemClock } from '../../src/base/clock.js';
import type { Logger } from '../../src/base/log.js';

/** What a whole device token and a provider token look like: neither belongs into any log, error or summary. */
const deviceToken = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/i;
const providerToken = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/;

export class Canaries {
  readonly #needles = new Map<string, string>();

  /** A password, passphrase or other text. */
  text(name: string, secret: string): this {
    return this.bytes(name, Buffer.from(secret));
  }

  /** A private key as PEM: its text, and the number that makes it secret. */
  privateKey(name: string, pem: string, passphrase?: string): this {
    const key = createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
    for (const line of pem.split('\n')) if (line.length > 40) this.#add(`${name} (PEM)`, line.trim());
    return this.keyObject(name, key);
  }

  keyObject(name: string, key: KeyObject): this {
    const { d } = key.export({ format: 'jwk' });
    return this.bytes(name, Buffer.from(d!, 'base64url'));
  }

  bytes(name: string, secret: Uint8Array): this {
    const bytes = Buffer.from(secret);
    this.#add(name, bytes.toString('latin1'));
    this.#add(`${name} (hex)`, bytes.toString('hex'));
    // As inspect shows a Buffer, and typed arrays or JSON show bytes.
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
    this.#add(`${name} (Buffer)`, hex.slice(0, 12).join(' '));
    this.#add(`${name} (array)`, [...bytes].slice(0, 12).join(', '));
    this.#add(`${name} (JSON)`, [...bytes].slice(0, 12).join(','));
    this.#add(`${name} (percent)`, encodeURIComponent(bytes.toString('latin1')));
    for (const encoding of ['base64', 'base64url'] as const) {
      // Base64 within something longer: three ways to fall on groups of three, their uncertain ends cut off.
      for (let shift = 0; shift < 3; shift++) {
        const coded = Buffer.concat([Buffer.alloc(shift), bytes])
          .toString(encoding)
          .replace(/=+$/, '');
        this.#add(`${name} (${encoding})`, coded.slice(shift === 0 ? 0 : shift + 1, -2));
      }
    }
    return this;
  }

  /** Fails, naming the canary and not quoting it, where `text` holds one, a provider token or a whole device token. */
  assertNone(text: string, where: string): void {
    for (const [needle, name] of this.#needles) assert.ok(!text.includes(needle), `${name} is in ${where}`);
    assert.ok(!providerToken.test(text), `a provider token is in ${where}`);
    assert.ok(!deviceToken.test(withoutFingerprints(text)), `a whole device token is in ${where}: ${text}`);
  }

  /** Fails where a secret alone is in `text`: for files of results, which hold device tokens. */
  assertNoSecret(text: string, where: string): void {
    for (const [needle, name] of this.#needles) assert.ok(!text.includes(needle), `${name} is in ${where}`);
    assert.ok(!providerToken.test(text), `a provider token is in ${where}`);
  }

  #add(name: string, needle: string): void {
    assert.ok(needle.length >= 8, `${name} is too short to be searched for`);
    this.#needles.set(needle, name);
  }
}

/** Fingerprints of credentials are hex of the same length, and no secret. */
function withoutFingerprints(text: string): string {
  return text.replace(/(fingerprint['"]?: ?['"])[0-9a-f]{64}/g, '$1…');
}

const hurry = 10;
/** A clock that runs fast, but for the time of day: what backs off, and what gives up, is soon done with it. */
export const hurriedClock: Clock = {
  ...systemClock,
  now: () => systemClock.now() * hurry,
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs / hurry),
};

/**
 * Options of a session that is soon done with what backs off. A connection has a whole minute of real time to open, as
 * fast as its clock is.
 */
export const hurried = { clock: hurriedClock, connectTimeoutMs: 60_000 * hurry } as const;

/** All that can be made visible of a value: as console.log would at its most talkative, as JSON, and as text. */
export function shown(value: unknown): string {
  const inspected = inspect(value, {
    depth: 20,
    showHidden: true,
    compact: true,
    breakLength: Number.POSITIVE_INFINITY,
    getters: true,
    maxArrayLength: 5000,
    maxStringLength: null,
  });
  return `${inspected}\n${jsonOf(value)}\n${errorText(value)}`;
}

/** An error as uncaught ones are printed: stack, and all causes. */
function errorText(value: unknown): string {
  if (!(value instanceof Error)) return String(value);
  return `${value.stack}\n${value.message}\n${value.cause === undefined ? '' : shown(value.cause)}`;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** A logger at its finest level, whose lines can be searched. */
export class LogRecord {
  readonly lines: string[] = [];
  readonly logger: Logger;

  constructor() {
    const method = (level: string) => (fields: object, message: string) => {
      this.lines.push(`${level} ${message} ${shown(fields)}`);
    };
    this.logger = {
      trace: method('trace'),
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
    };
  }

  get text(): string {
    return this.lines.join('\n');
  }
}
