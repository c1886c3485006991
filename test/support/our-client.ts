/** Our HTTP/2 client in front of octets that a test writes, sorted into the same classes as node's (node-client.ts). */

import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import * as frames from '../../src/codec/http2/frames.js';
import { readU32 } from '../../src/codec/octets.js';
import type { StreamVerdict } from './node-client.js';
import { type Report, ScriptedPeer } from './scripted-peer.js';

const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });

export class OurClient {
  /** The error code of the GOAWAY that it has sent; NO_ERROR without one. */
  goawayCode: number = frames.NO_ERROR;
  readonly #peer = new ScriptedPeer();
  #count = 0;

  constructor() {
    this.#peer.connection.start();
    this.#peer.output();
  }

  /** Why it ended the connection, in words; '' while it has not. */
  get failure(): string {
    return this.#peer.connection.failure?.message ?? '';
  }

  /** Submits that many requests. They can be taken only after the server's SETTINGS. */
  request(count: number): void {
    this.#count = this.#peer.submit(count);
    this.#takeOutput();
  }

  feed(bytes: Uint8Array): void {
    this.#peer.send(bytes);
    this.#takeOutput();
  }

  /** Ends the connection: what is open then is `open`. */
  verdicts(): StreamVerdict[] {
    this.#peer.connection.abandon(gone);
    return Array.from({ length: this.#count }, (_, tag) => verdictOf(this.#peer.listener.reports.get(tag)));
  }

  #takeOutput(): void {
    for (const { type, payload } of this.#peer.read()) {
      if (type === frames.GOAWAY) this.goawayCode = readU32(payload, 4);
    }
  }
}

function verdictOf(report: Report | undefined): StreamVerdict {
  assert.ok(report !== undefined, 'a request was not reported');
  if (report.kind === 'accepted') return '200';
  if (report.kind === 'rejected') return 'other';
  const { code } = report.cause;
  if (code === 'ERR_PEAL_CLOSED') return 'open';
  if (report.kind === 'unsent') return code === 'ERR_PEAL_RESET' ? 'reset' : 'unprocessed';
  return code === 'ERR_PEAL_RESET' || code === 'ERR_PEAL_GOAWAY' ? 'reset' : 'error';
}
