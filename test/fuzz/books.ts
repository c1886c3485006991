/** What a connection reports in one fuzz case, by tag: each request once, and nothing that cannot be. */
import type { ResponseListener } from '../../src/codec/requests/response-listener.js';
import type { Expected } from './conversation.js';
import { maxTags } from './requests.js';

export const outcomes: readonly Expected[] = ['open', 'accepted', 'rejected', 'unsent', 'unknown'];
export const OPEN = 0;
const ACCEPTED = 1;
const REJECTED = 2;
export const UNSENT = 3;
export const UNKNOWN = 4;

export class Books implements ResponseListener {
  readonly outcomes = new Uint8Array(maxTags);
  reported = 0;
  problem = '';
  /** Whether a tag was reported before the end of the connection. */
  readonly isEarly = new Uint8Array(maxTags);
  isOver = false;
  /** Whether the answer to a request has begun. */
  #hadBegun: (tag: number) => boolean = () => false;

  reset(hadBegun: (tag: number) => boolean): void {
    this.outcomes.fill(OPEN);
    this.reported = 0;
    this.problem = '';
    this.isEarly.fill(0);
    this.isOver = false;
    this.#hadBegun = hadBegun;
  }

  onAccepted(tag: number): void {
    this.#book(tag, ACCEPTED);
  }

  onRejected(tag: number, status: number, body: Uint8Array): void {
    if (status === 200 || status < 200 || status > 999) this.problem = `rejected with status ${status}`;
    if (body.length > 65_536) this.problem = `a body of ${body.length} bytes`;
    this.#book(tag, REJECTED);
  }

  onUnsent(tag: number): void {
    if (this.#hadBegun(tag)) this.problem = `tag ${tag} is unsent although its answer had begun`;
    this.#book(tag, UNSENT);
  }

  onUnknown(tag: number): void {
    this.#book(tag, UNKNOWN);
  }

  onGoaway(): void {}

  #book(tag: number, outcome: number): void {
    if (this.outcomes[tag] !== OPEN) this.problem = `tag ${tag} is reported twice`;
    this.outcomes[tag] = outcome;
    if (!this.isOver) this.isEarly[tag] = 1;
    this.reported++;
  }
}
