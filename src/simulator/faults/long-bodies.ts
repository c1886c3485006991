/**
 * Bodies of answers that a scenario makes longer than APNs does: the body of APNs with filling behind it. One for all
 * connections of a simulator. A scenario has few lengths, so each body is made once.
 */
import { Buffer } from 'node:buffer';

/** JSON around the filling: `,"more":"` … `"}`. */
const before = ',"more":"';
const after = '"}';

export class LongBodies {
  readonly #made = new Map<string, Uint8Array>();

  /**
   * @param answer Code of the answer (answers.ts) that has this `body`.
   * @param body A JSON object, or nothing.
   * @param bytes The wanted length; a longer body stays as it is.
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
