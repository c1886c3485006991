/**
 * One fuzz case of the HTTP/2 client: a conversation drawn from a seed, mutated or not, fed to a ClientConnection in
 * pieces, with requests submitted and output taken in between, and now and then further requests and answers behind it;
 * then the end of the connection. Every case is checked for what has to hold whatever a server does.
 */
import { PealError } from '../../src/base/errors.js';
import { streamRingSlots } from '../../src/base/limits.js';
import * as frames from '../../src/codec/http2/frames.js';
import { encodeSettings } from '../../src/codec/http2/settings.js';
import { ClientConnection } from '../../src/codec/requests/client-connection.js';
import { FrameJudge } from '../support/frame-judge.js';
import { PeerDecoder } from '../support/peer-decoder.js';
import { Prng } from '../support/prng.js';
import { Books, OPEN, outcomes, UNKNOWN, UNSENT } from './books.js';
import { type Conversation, drawConversation, type Expected } from './conversation.js';
import { type Draft, draft, writeDrafts } from './draft.js';
import { mutateBytes, mutateDrafts } from './mutations.js';
import { Requests, recipientsPerBlock } from './requests.js';
import { Traffic } from './traffic.js';

/** How often, at most, requests and answers follow the first ones. */
const maxRounds = 6;
const gone = new PealError('ERR_PEAL_CLOSED', 'the stream is gone', { origin: 'connect' });
/** The largest conversation, with its floods. */
const streamBytes = new Uint8Array(1 << 19);
/** What a socket would read into: overwritten with every piece. */
const readBytes = new Uint8Array(streamBytes.length);
/** Much more than requests, acknowledgements and resets can come to. */
const maxOutputBytes = 1 << 22;

const books = new Books();
const sharedDecoder = new PeerDecoder();

/** A decoder as it is at the start of a connection. To make one costs as much as the rest of a case. */
function freshDecoder(): PeerDecoder {
  sharedDecoder.reset();
  return sharedDecoder;
}

/**
 * Runs the case of a seed.
 * @returns its verdict in a few words: how the connection ended
 * @throws Error when something does not hold
 */
export function runHttp2Case(seed: number): string {
  const prng = new Prng(seed);
  const count = prng.int(recipientsPerBlock + 1);
  const mutations = prng.chance(0.2) ? 0 : 1 + prng.int(prng.chance(0.7) ? 2 : 6);
  return new Http2Case(prng, drawConversation(prng, count), count, mutations).run();
}

class Http2Case {
  readonly #prng: Prng;
  readonly #conversation: Conversation;
  /** Requests of the conversation as it was drawn first. */
  readonly #count: number;
  /** Changes that are still to be made to what the server sends. */
  #mutations: number;
  readonly #isUntouched: boolean;
  readonly #judge = new FrameJudge(freshDecoder());
  readonly #traffic: Traffic;
  readonly #connection: ClientConnection;
  readonly #requests: Requests;
  /** Tags from here on were never handed out. */
  #handedOut = 0;
  #isWriting = false;
  #outputBytes = 0;

  constructor(prng: Prng, conversation: Conversation, count: number, mutations: number) {
    this.#prng = prng;
    this.#conversation = conversation;
    this.#count = count;
    this.#mutations = mutations;
    this.#isUntouched = mutations === 0;
    const isSmall = !prng.chance(0.02);
    this.#connection = new ClientConnection({
      listener: books,
      authority: 'api.example.com',
      path: '/3/device/',
      authorizationScheme: 'bearer',
      indexAuthorization: prng.chance(0.5),
      maxStreams: isSmall ? 16 : streamRingSlots,
      probeFirst: count <= 1 && prng.chance(0.3),
    });
    const requests = new Requests(prng, this.#connection, count > 3);
    const traffic = new Traffic((...each) => requests.onData(...each));
    books.reset((tag) => traffic.hadBegun(tag));
    this.#judge.onRequest = (streamId, list) => requests.onHeaders(traffic.tagOf(streamId), list);
    this.#requests = requests;
    this.#traffic = traffic;
  }

  run(): string {
    const prng = this.#prng;
    const { opening, drafts } = this.#conversation;
    const connection = this.#connection;
    connection.start();
    this.#takeAll();
    // A connection that ends with its first frame shows little: the opening is mostly left alone.
    this.#mutate(opening, this.#mutations > 0 && prng.chance(0.04) ? 1 : 0);
    if (prng.chance(0.15)) opening.push(smallWindow(prng.pick([0, 5, 20, 35, 1000])));
    this.#feed(0, writeDrafts(opening, streamBytes, 0));
    this.#requests.submit(this.#count);
    const taken = this.#requests.count;
    if (this.#isUntouched) check(taken === this.#count, `${taken} of ${this.#count} requests were taken`);
    this.#takeAll();
    const rounds = prng.chance(0.4) ? 1 + prng.int(maxRounds) : 0;
    // Most is changed in the first or in the last part, so that others are seen to their end.
    this.#converse(drafts, rounds === 0 || prng.chance(0.5) ? this.#mutations : 0);
    for (let round = 1; round <= rounds && this.#mayGoOn(); round++) {
      const scripted = this.#conversation.expected.length;
      this.#requests.submit(prng.int(recipientsPerBlock + 1));
      this.#takeAll();
      const more = this.#conversation.more(this.#traffic.streamIds.slice(scripted));
      this.#converse(more, round === rounds ? this.#mutations : 0);
    }
    return this.#end();
  }

  #mayGoOn(): boolean {
    const { failure, goaway } = this.#connection;
    return failure === null && goaway === null;
  }

  /** Feeds what the server sends, changed so many times. */
  #converse(drafts: Draft[], mutations: number): void {
    this.#mutate(drafts, mutations);
    let length = writeDrafts(drafts, streamBytes, 0);
    if (mutations > 0 && this.#prng.chance(0.15)) {
      length = mutateBytes(streamBytes.subarray(0, length), length, this.#prng);
    }
    this.#feedInPieces(length);
  }

  #mutate(drafts: Draft[], mutations: number): void {
    for (let i = 0; i < mutations; i++) mutateDrafts(drafts, this.#prng);
    this.#mutations -= mutations;
  }

  #end(): string {
    const connection = this.#connection;
    const { failure } = connection;
    this.#takeAll();
    if (failure === null) this.#judge.finish();
    else check(this.#judge.hasGivenUp, 'no GOAWAY says why the connection failed');
    // Requests that are not handed out when the connection ends, or only in part.
    if (this.#prng.chance(0.3)) this.#requests.submit(this.#prng.int(4));
    if (this.#prng.chance(0.3)) this.#take(false);
    // Answers that came with the piece in which the connection failed were not all read.
    if (failure === null) this.#traffic.onServerBytes(readBytes, 0);
    books.isOver = true;
    connection.abandon(gone);
    this.#checkOver();
    this.#checkEnd(failure);
    return failure === null ? this.#goesOn() : `${failure.code} ${failure.message}`;
  }

  /** Nothing is reported, taken or handed out any more; acknowledgements may still be. */
  #checkOver(): void {
    const requests = this.#traffic.streamIds.length;
    const { reported } = books;
    this.#connection.abandon(gone);
    this.#connection.receive(streamBytes, 100);
    const { count } = this.#requests;
    this.#requests.submit(1);
    check(this.#requests.count === count, 'a request was taken after the end');
    this.#takeAll();
    check(books.reported === reported, 'something was reported after the end');
    check(this.#traffic.streamIds.length === requests, 'a request went out after the end');
  }

  #feedInPieces(to: number): void {
    const prng = this.#prng;
    const longest = prng.pick([1, 7, 40, 40, 300, 300, 1 << 20, 1 << 20]);
    let at = 0;
    while (at < to) {
      const end = Math.min(to, at + 1 + prng.int(longest));
      // Few actions where pieces are small, so that they stand between frames and not between octets.
      this.#feed(at, end);
      at = end;
      if (prng.chance(longest < 40 ? 0.01 : 0.3)) this.#act();
    }
  }

  #feed(from: number, to: number): void {
    if (to - from > 64) readBytes.set(streamBytes.subarray(from, to));
    else for (let i = 0; i < to - from; i++) readBytes[i] = streamBytes[from + i]!;
    this.#judge.onServerBytes(readBytes, to - from);
    // What comes behind the failure is not read.
    if (this.#connection.failure === null) this.#traffic.onServerBytes(readBytes, to - from);
    this.#connection.receive(readBytes, to - from);
    this.#checkBooks();
  }

  /** What the owner of a connection does between two reads. */
  #act(): void {
    const prng = this.#prng;
    switch (prng.int(6)) {
      case 0:
        this.#requests.submit(1 + prng.int(3));
        break;
      case 1:
        if (this.#connection.failure === null) this.#connection.ping(1 + prng.int(1000));
        break;
      case 2:
        if (prng.chance(0.1)) this.#connection.close(0);
        else this.#connection.credit(prng.pick([0, 40, 3000]));
        break;
      case 3:
        if (this.#isWriting) this.#written();
        break;
      default:
        this.#take();
    }
  }

  #take(isWritten = this.#prng.chance(0.8)): void {
    const isFailed = this.#connection.failure !== null;
    const view = this.#connection.takeOutput();
    if (view === null) return;
    this.#isWriting = true;
    this.#traffic.onClientBytes(view);
    this.#judge.onClientBytes(view);
    this.#outputBytes += view.length;
    if (!isFailed) this.#handedOut = this.#requests.count;
    if (isWritten) this.#written();
  }

  #written(): void {
    this.#isWriting = false;
    this.#connection.outputWritten();
  }

  #takeAll(): void {
    for (let turns = 0; turns < 4; turns++) {
      if (this.#isWriting) this.#written();
      this.#take();
    }
    if (this.#isWriting) this.#written();
  }

  #checkBooks(): void {
    const problem = books.problem || this.#requests.problem;
    if (problem !== '') throw new Error(problem);
    const open = this.#requests.count - books.reported;
    const { activeStreams } = this.#connection;
    check(activeStreams === open, `${activeStreams} active streams where ${open} requests are open`);
  }

  #checkEnd(failure: PealError | null): void {
    this.#checkBooks();
    const { faults } = this.#judge;
    if (faults.length > 0) throw new Error(`the judge: ${faults.join('; ')}`);
    const { count } = this.#requests;
    check(books.reported === count, `${books.reported} of ${count} requests were reported`);
    check(this.#outputBytes <= maxOutputBytes, `${this.#outputBytes} bytes of output`);
    for (let tag = this.#handedOut; tag < count; tag++) {
      check(books.outcomes[tag] === UNSENT, `tag ${tag} was never handed out and is not unsent`);
    }
    this.#checkOutcomes(failure);
    if (!this.#isUntouched) return;
    check(failure === null, `an allowed conversation failed: ${failure?.message}`);
    this.#conversation.expected.forEach((expected, tag) => {
      const actual = outcomes[books.outcomes[tag]!]!;
      check(this.#isAsExpected(tag, expected, actual), `tag ${tag} is ${actual} and not ${expected}`);
    });
  }

  /** Each outcome is one that what went both ways allows. */
  #checkOutcomes(failure: PealError | null): void {
    for (let tag = 0; tag < this.#requests.count; tag++) {
      const outcome = books.outcomes[tag]!;
      let isAllowed = this.#traffic.mayBeAnswered(tag);
      if (outcome === UNSENT) isAllowed = this.#traffic.mayBeUnsent(tag);
      else if (outcome === UNKNOWN) isAllowed = this.#traffic.mayBeUnknown(tag);
      // A stream that was reset while the last of its body was in the output, which the failure then dropped.
      if (outcome === UNKNOWN && failure !== null && books.isEarly[tag] === 1) isAllowed = true;
      check(isAllowed, `tag ${tag} cannot be ${outcomes[outcome]}`);
    }
  }

  /** The outcomes that there were, in words. */
  #goesOn(): string {
    const seen = outcomes.filter((_, outcome) => outcome !== OPEN && books.outcomes.includes(outcome));
    return `goes on: ${seen.join(', ') || 'no requests'}`;
  }

  #isAsExpected(tag: number, expected: Expected, actual: Expected): boolean {
    // What never went out whole for want of window is unsent where it would be unknown.
    const isSpared = actual === 'unsent' && this.#traffic.mayBeUnsent(tag);
    if (expected === 'open' || expected === 'unknown') return actual === 'unknown' || isSpared;
    return actual === expected;
  }
}

function smallWindow(bytes: number): Draft {
  return draft(frames.SETTINGS, 0, 0, encodeSettings([[frames.SETTINGS_INITIAL_WINDOW_SIZE, bytes]]));
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
