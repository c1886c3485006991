/**
 * APNs' demands on a payload: it exists, it is not too large, and it is a JSON object. One for each connection. A
 * payload equal to the one before is not parsed again, so that a campaign costs one comparison for each request.
 */
import { Buffer } from 'node:buffer';
import { maxVoipPayloadBytes } from '../../base/limits.js';
import { ACCEPTED_ANSWER, PAYLOAD_EMPTY, PAYLOAD_TOO_LARGE } from '../settings/answers.js';

/** From this length on a call into C++ compares faster than a loop. */
const minNativeCompareBytes = 64;

export class PayloadCheck {
  readonly #known = Buffer.alloc(maxVoipPayloadBytes);
  #knownLength = -1;
  #knownAnswer = ACCEPTED_ANSWER;

  /** Returns the answer that the payload `bytes[start, end)` earns under a limit of `limit` bytes. */
  answerOf(bytes: Uint8Array, start: number, end: number, limit: number): number {
    const length = end - start;
    if (length === 0) return PAYLOAD_EMPTY;
    if (length > limit) return PAYLOAD_TOO_LARGE;
    if (length === this.#knownLength && this.#isKnown(bytes, start, length)) return this.#knownAnswer;
    this.#known.set(bytes.subarray(start, end));
    this.#knownLength = length;
    // APNs documents no reason for a body that is not JSON. It counts as a missing payload.
    this.#knownAnswer = isJsonObject(this.#known.toString('utf8', 0, length)) ? ACCEPTED_ANSWER : PAYLOAD_EMPTY;
    return this.#knownAnswer;
  }

  #isKnown(bytes: Uint8Array, start: number, length: number): boolean {
    const known = this.#known;
    if (length >= minNativeCompareBytes) return known.compare(bytes, start, start + length, 0, length) === 0;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== known[i]) return false;
    return true;
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
