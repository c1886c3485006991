/**
 * One fuzz case of how bytes arrive: what a server sends, mutated or not, whole, octet by octet and in random pieces.
 * The result has to be the same: what is reported, in which order, how the connection ends, and every octet that the
 * client sends.
 */
import { PealError } from '../../src/base/errors.js';
import { ClientConnection } from '../../src/codec/requests/client-connection.js';
import { Prng } from '../support/prng.js';
import { inOrder, plainNotification, someTokens } from '../support/scripted-peer.js';
import { drawConversation } from './conversation.js';
import { writeDrafts } from './draft.js';
import { mutateBytes, mutateDrafts } from './mutations.js';

const maxRequests = 6;
/** Octet by octet, more would take long. */
const maxBytes = 4096;
const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });
const tokens = someTokens(maxRequests);
const order = inOrder(maxRequests);
const streamBytes = new Uint8Array(maxBytes);
const readBytes = new Uint8Array(maxBytes);

/**
 * Runs the case of a seed.
 * @returns how the connection ended, in a few words
 * @throws Error when the pieces make a difference
 */
export function runSplitCase(seed: number): string {
  const prng = new Prng(seed);
  const count = 1 + prng.int(maxRequests);
  const { opening, drafts } = drawConversation(prng, count);
  for (let n = prng.int(4); n > 0; n--) mutateDrafts(drafts, prng);
  const start = writeDrafts(opening, streamBytes, 0);
  let end = writeDrafts(drafts, streamBytes, start);
  if (prng.chance(0.2)) end = start + mutateBytes(streamBytes.subarray(start, end), end - start, prng);
  const [whole, verdict] = outcome(count, start, end, () => end);
  const longest = 1 + prng.int(50);
  const cuts: Record<string, () => number> = { 'octet by octet': () => 1, 'in pieces': () => 1 + prng.int(longest) };
  for (const [name, cut] of Object.entries(cuts)) {
    const [other] = outcome(count, start, end, cut);
    if (other !== whole) throw new Error(`${name} comes to ${other} where in one piece it is ${whole}`);
  }
  return `split: ${verdict}`;
}

/** All that comes of it, as text, and how it ended. */
function outcome(count: number, start: number, end: number, pieceBytes: () => number): [all: string, verdict: string] {
  const seen: string[] = [];
  const connection = new ClientConnection({
    listener: {
      onAccepted: (tag) => seen.push(`${tag} accepted`),
      onRejected: (tag, status, body, { apnsId, retryAfter }) =>
        seen.push(`${tag} rejected ${status} ${Buffer.from(body).toString('hex')} ${apnsId} ${retryAfter}`),
      onUnsent: (tag, { message }) => seen.push(`${tag} unsent: ${message}`),
      onUnknown: (tag, { message }) => seen.push(`${tag} unknown: ${message}`),
      onGoaway: (last, code, debug) => seen.push(`GOAWAY ${last} ${code} ${Buffer.from(debug).toString('hex')}`),
    },
    authority: 'api.example.com',
    path: '/3/device/',
    authorizationScheme: 'bearer',
    indexAuthorization: true,
    maxStreams: 16,
    probeFirst: false,
  });
  connection.start();
  receive(connection, 0, start);
  const template = connection.template(plainNotification, { tokenBytes: 32, providerToken: null });
  connection.submit(template, { tokens, personal: null, order, head: 0, tagBase: 0 }, count);
  output(connection);
  for (let at = start; at < end; ) {
    const next = Math.min(end, at + pieceBytes());
    receive(connection, at, next);
    at = next;
  }
  const said = output(connection);
  const verdict = connection.failure?.message ?? 'goes on';
  connection.abandon(gone);
  return [`${seen.join(', ')}; ${verdict}; ${said}`, verdict];
}

function receive(connection: ClientConnection, from: number, to: number): void {
  readBytes.set(streamBytes.subarray(from, to));
  connection.receive(readBytes, to - from);
}

/** All that waits to be written, as hexadecimal text. */
function output(connection: ClientConnection): string {
  let text = '';
  for (let view = connection.takeOutput(); view !== null; view = connection.takeOutput()) {
    text += Buffer.from(view).toString('hex');
    connection.outputWritten();
  }
  return text;
}
