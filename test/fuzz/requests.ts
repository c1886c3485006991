/**
 * The requests of one fuzz case: templates of every kind, in turn, and whether each request that goes out is the one
 * that was submitted: its path, its fields and every octet of its body.
 */
import type { ClientConnection } from '../../src/codec/requests/client-connection.js';
import type { RequestTemplate, RequestTemplateOptions } from '../../src/codec/requests/request-template.js';
import type { Notification, PersonalParts } from '../../src/push/notification.js';
import type { TokenBlock } from '../../src/push/token-block.js';
import type { HeaderList } from '../support/header-rules.js';
import type { Prng } from '../support/prng.js';
import { inOrder, plainNotification, someTokens } from '../support/scripted-peer.js';

/** Requests of one case in all. */
export const maxTags = 256;
export const recipientsPerBlock = 8;
/** Templates of one case. */
const maxVariants = 3;
const order = inOrder(recipientsPerBlock);
const blocks = [32, 32, 32, 20, 100].map((tokenBytes) => someTokens(recipientsPerBlock, tokenBytes));
const apnsIds = someTokens(recipientsPerBlock, 16).bytes;
const authority = 'api.example.com';

/** Octets that show when one is missing, twice there or another's. */
function pattern(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 0x20 + ((i * 7 + (i >>> 6) + salt * 11) % 0x5f));
}

function notification(payloadBytes: number, ...headers: (readonly [string, string])[]): Notification {
  const payload = pattern(payloadBytes, payloadBytes);
  return { ...plainNotification, headers: [...plainNotification.headers, ...headers], payload };
}

const small = [
  plainNotification,
  notification(40, ['apns-collapse-id', 'game-1'], ['apns-expiration', '0']),
  notification(300, ['x-long', 'abcdefghij'.repeat(30)]),
];
/** What uses the windows up, and what needs none. */
const large = [notification(0), notification(3000), notification(20_000)];

/** Payloads of their own, of these lengths. */
function personal(lengths: readonly number[]): Pick<PersonalParts, 'payloads' | 'payloadOffsets'> {
  const offsets = Uint32Array.from({ length: recipientsPerBlock + 1 }, (_, i) => sum(lengths.slice(0, i)));
  const payloads = new Uint8Array(offsets[recipientsPerBlock]!);
  for (const [i, length] of lengths.entries()) payloads.set(pattern(length, i), offsets[i]);
  return { payloads, payloadOffsets: offsets };
}

const personals = [personal([30, 31, 32, 29, 30, 33, 30, 30]), personal([1, 0, 100, 2000, 0, 16_384, 5, 16_385])];

/** One template and what goes with it. */
interface Variant {
  readonly template: RequestTemplate;
  readonly tokens: TokenBlock;
  readonly personal: PersonalParts | null;
  /** What stands in front of the token's digits and behind them, as `name: value` lines. */
  readonly fieldsBefore: string;
  readonly fieldsAfter: string;
}

/** What was submitted under one tag, and how much of its body has gone out. */
interface Sent {
  readonly variant: Variant;
  readonly recipient: number;
  bodyBytes: number;
}

export class Requests {
  /** What went out and should not have; '' while all is well. */
  problem = '';
  readonly #prng: Prng;
  readonly #connection: ClientConnection;
  readonly #isLight: boolean;
  readonly #variants: Variant[] = [];
  readonly #sent: Sent[] = [];

  /** @param isLight No payload that uses all of a connection window: more than a few of those never end. */
  constructor(prng: Prng, connection: ClientConnection, isLight: boolean) {
    this.#prng = prng;
    this.#connection = connection;
    this.#isLight = isLight;
  }

  /** Requests so far: their tags are 0 up to this. */
  get count(): number {
    return this.#sent.length;
  }

  /** Submits up to `count` requests of one template. */
  submit(count: number): void {
    const connection = this.#connection;
    const tags = this.#sent.length;
    if (count === 0 || tags + count > maxTags || !connection.isReady || connection.failure !== null) return;
    const variant = this.#variant();
    const { template, tokens, personal } = variant;
    const from = this.#prng.int(recipientsPerBlock - count + 1);
    const taken = connection.submit(template, { tokens, personal, order, head: from, tagBase: tags - from }, count);
    if (!(taken >= 0 && taken <= count)) throw new Error(`${taken} of ${count} requests were taken`);
    for (let i = 0; i < taken; i++) this.#sent.push({ variant, recipient: from + i, bodyBytes: 0 });
  }

  /** HEADERS of the request with that tag. */
  onHeaders(tag: number, list: HeaderList): void {
    const { variant, recipient } = this.#sent[tag]!;
    const digits = hex(variant.tokens.bytes, recipient * variant.tokens.tokenBytes, variant.tokens.tokenBytes);
    const id = variant.personal?.apnsIds ? `apns-id: ${uuid(recipient)}\n` : '';
    const expected = `${variant.fieldsBefore}:path: /3/device/${digits}\n${variant.fieldsAfter}${id}`;
    const actual = list.map(([name, value]) => `${name}: ${value}\n`).join('');
    if (actual !== expected) this.problem ||= `request ${tag} has the fields ${actual} instead of ${expected}`;
  }

  /** DATA of the request with that tag. */
  onData(tag: number, bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const sent = this.#sent[tag]!;
    const [payload, from, to] = bodyOf(sent);
    const at = from + sent.bodyBytes;
    sent.bodyBytes += end - start;
    const isOwn = at + end - start <= to && isEqual(bytes, start, end, payload, at);
    if (!isOwn) this.problem ||= `the body of request ${tag} is not its own`;
    if (isLast !== (sent.bodyBytes === to - from)) this.problem ||= `the body of request ${tag} has a wrong end`;
  }

  /** One of the templates of this case, or a new one. */
  #variant(): Variant {
    const prng = this.#prng;
    if (this.#variants.length > 0 && prng.chance(0.7)) return prng.pick(this.#variants);
    const made = this.#draw();
    if (this.#variants.length < maxVariants) this.#variants.push(made);
    return made;
  }

  #draw(): Variant {
    const prng = this.#prng;
    const options: RequestTemplateOptions = {
      tokenBytes: 32,
      providerToken: prng.chance(0.3) ? `header.claims${prng.int(3)}.${'s'.repeat(prng.pick([9, 9, 500]))}` : null,
      hasPersonalIds: prng.chance(0.15),
      hasPersonalPayloads: prng.chance(0.15),
    };
    const tokens = prng.pick(blocks);
    const shared = prng.chance(0.8) ? prng.pick(small) : prng.pick(this.#isLight ? large.slice(0, 2) : large);
    const own = options.hasPersonalPayloads ? prng.pick(personals) : { payloads: null, payloadOffsets: null };
    const template = this.#connection.template(shared, { ...options, tokenBytes: tokens.tokenBytes });
    const before = [':method: POST', ':scheme: https', `:authority: ${authority}`];
    const after = shared.headers.map(([name, value]) => `${name}: ${value}`);
    if (options.providerToken !== null) after.unshift(`authorization: bearer ${options.providerToken}`);
    return {
      template,
      tokens,
      personal:
        options.hasPersonalIds || options.hasPersonalPayloads
          ? { ...own, apnsIds: options.hasPersonalIds ? apnsIds : null }
          : null,
      fieldsBefore: before.map((line) => `${line}\n`).join(''),
      fieldsAfter: after.map((line) => `${line}\n`).join(''),
    };
  }
}

/** The body of a request: `[bytes, from, to]`. */
function bodyOf({ variant, recipient }: Sent): [payload: Uint8Array, from: number, to: number] {
  const { payloads, payloadOffsets } = variant.personal ?? { payloads: null, payloadOffsets: null };
  if (payloads === null) return [variant.template.payload, 0, variant.template.payload.length];
  return [payloads, payloadOffsets![recipient]!, payloadOffsets![recipient + 1]!];
}

function isEqual(bytes: Uint8Array, start: number, end: number, other: Uint8Array, at: number): boolean {
  return Buffer.compare(bytes.subarray(start, end), other.subarray(at, at + end - start)) === 0;
}

function hex(bytes: Uint8Array, from: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('hex');
}

function uuid(recipient: number): string {
  return hex(apnsIds, recipient * 16, 16).replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
