/**
 * Bodies of answers that a scenario wants longer than APNs makes them: what APNs would say, and filling behind it. One
 * for all connections of a simulator; a scenario holds few lengths, so each is made once.
 */
import { Buffer } from 'node:buffer';

/** JSON around the filling: `,"more":"` … `"}`. */
const before = ',"more":"';
const after = '"}';

export class LongBodies {
  readonly #made = new Map<string, Uint8Array>();

  /**
   * @param answer Code of the answer (answers.ts) that `body` is of.
   * @param body A JSON object, or nothing.
   * @param bytes Length that is wanted; a body that is longer stays as it is.
   */
  fill(answer: number, body: Uint8Array, bytes: number): Uint8Array {
    if (bytes <= body.length) return body;
    const key = `${answer} ${bytes}`;
    const made = this.#made.get(key) ?? makeLong(body, bytes);
    this.#made.set(key, made);
    return made;
  }
}

function makeLong(body: Uint8Array, bytes: number): Uint8Array {
  const head = body.length === 0 ? `{${before.slice(1)}` : Buffer.from(body).toString('utf8').slice(0, -1) + before;
  const filling = bytes - Buffer.byteLength(head) - after.length;
  return new Uint8Array(Buffer.from(head + 'x'.repeat(Math.max(0, filling)) + after, 'utf8'));
}
