/**
 * Our requests, read by a server that others wrote: node:http2 (nghttp2) in this process, over a pair of streams.
 */
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { ClientConnection } from '../../../src/codec/requests/client-connection.js';
import type { RequestTemplate, RequestTemplateOptions } from '../../../src/codec/requests/request-template.js';
import type { Notification, PersonalParts } from '../../../src/push/notification.js';
import { fieldMask } from '../../../src/push/personal-fields.js';
import { cases } from '../../support/cases.js';
import { inOrder, plainNotification, RecordingListener, someTokens } from '../../support/scripted-peer.js';

interface Seen {
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Two streams of which each reads what the other writes, delivered in the next turn. */
function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        // The writer may use its memory again once `done` is called.
        const copy = Buffer.from(chunk);
        setImmediate(() => {
          other().push(copy);
          done();
        });
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

/** One ClientConnection in front of one node:http2 server session. */
class NodePeer {
  readonly listener = new RecordingListener();
  readonly connection: ClientConnection;
  readonly seen: Seen[] = [];
  session: http2.ServerHttp2Session | null = null;
  /** Answers one request once its body is in. */
  answer: (stream: http2.ServerHttp2Stream, seen: Seen) => void = (stream) => {
    stream.respond({ ':status': 200, 'apns-id': 'eabeae54-14a8-11e5-b60b-1697f925ec7b' }, { endStream: true });
  };
  readonly #server: http2.Http2Server;
  readonly #stream: Duplex;
  #isWriting = false;
  #closed: Error | null = null;
  #waiting: (() => void) | null = null;

  constructor(settings: http2.Settings = {}, probeFirst = false) {
    this.connection = new ClientConnection({
      listener: this.listener,
      authority: 'api.example.com',
      path: '/3/device/',
      authorizationScheme: 'bearer',
      indexAuthorization: true,
      probeFirst,
    });
    const [ours, theirs] = duplexPair();
    this.#stream = ours;
    this.#server = http2.createServer({ settings, maxSessionInvalidFrames: 0 });
    this.#server.on('session', (session) => {
      this.session = session;
      session.on('error', () => {});
    });
    this.#server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
      const parts: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const seen = { headers, body: Buffer.concat(parts) };
        this.seen.push(seen);
        this.answer(stream, seen);
      });
    });
    this.#server.emit('connection', theirs);
    ours.on('data', (bytes: Buffer) => {
      this.connection.receive(bytes, bytes.length);
      this.pump();
    });
    theirs.on('close', () => {
      this.#closed = new Error('the server has closed the connection');
      this.pump();
    });
    this.connection.start();
    this.pump();
  }

  pump(): void {
    if (!this.#isWriting) {
      const view = this.connection.takeOutput();
      if (view !== null) {
        this.#isWriting = true;
        this.#stream.write(view, () => {
          this.#isWriting = false;
          this.connection.outputWritten();
          this.pump();
        });
      }
    }
    this.#waiting?.();
  }

  /** Resolves once `isTrue` holds; looked at after everything that happens. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = () => {
        const failure = this.connection.failure ?? this.#closed;
        if (!isTrue() && failure === null) return;
        this.#waiting = null;
        if (failure !== null) reject(failure);
        else resolve();
      };
      this.#waiting();
    });
  }

  /** Sends to all tokens, as fast as credit allows, and waits for the answers. */
  async sendAll(work: readonly Work[]): Promise<void> {
    let total = 0;
    for (const { count, ...rest } of work) {
      const { template, personal, tokenBytes } = rest;
      const tokens = someTokens(count, tokenBytes);
      const order = inOrder(count);
      let from = 0;
      while (from < count) {
        await this.until(() => this.connection.credit(rest.payloadBytes) > 0);
        const taken = this.connection.submit(
          template(this.connection),
          { tokens, personal, order, head: from, tagBase: total },
          count - from,
        );
        from += taken;
        this.pump();
        // Credit may be there and no room for this one: the write has to end first, and it does in another turn.
        if (taken === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      total += count;
    }
    await this.until(() => this.listener.reports.size === total);
  }

  close(): void {
    this.#stream.destroy();
    this.session?.destroy();
  }
}

interface Work {
  readonly count: number;
  readonly tokenBytes: number;
  readonly payloadBytes: number;
  readonly personal: PersonalParts | null;
  readonly template: (connection: ClientConnection) => RequestTemplate;
}

function work(notification: Notification, count: number, options: Partial<RequestTemplateOptions> = {}): Work {
  const tokenBytes = options.tokenBytes ?? 32;
  let made: RequestTemplate | null = null;
  return {
    count,
    tokenBytes,
    payloadBytes: notification.payload.length,
    personal: null,
    template: (connection) => {
      made ??= connection.template(notification, { providerToken: null, ...options, tokenBytes });
      return made;
    },
  };
}

function withPayload(bytes: number, extra: readonly (readonly [string, string])[] = []): Notification {
  return {
    ...plainNotification,
    headers: [...plainNotification.headers, ...extra],
    payload: Buffer.alloc(bytes, 'abcdefghij'),
  };
}

/** What a server must have seen of each piece of work, in the order in which it was submitted. */
function assertSeen(peer: NodePeer, all: readonly Work[], notifications: readonly Notification[]): void {
  const byPath = new Map<string, Seen[]>();
  for (const seen of peer.seen) {
    const path = String(seen.headers[':path']);
    byPath.set(path, [...(byPath.get(path) ?? []), seen]);
  }
  all.forEach(({ count, tokenBytes, personal }, which) => {
    const tokens = someTokens(count, tokenBytes);
    const notification = notifications[which]!;
    for (let i = 0; i < count; i++) {
      const candidates = byPath.get(`/3/device/${tokens.textAt(i)}`) ?? [];
      const body = personal?.payloads
        ? personal.payloads.subarray(personal.payloadOffsets![i]!, personal.payloadOffsets![i + 1]!)
        : notification.payload;
      const found = candidates.findIndex((seen) => hasHeaders(seen, notification) && seen.body.equals(body));
      assert.ok(found >= 0, `request ${i} of work ${which} did not arrive intact`);
      const [seen] = candidates.splice(found, 1);
      assert.equal(seen!.headers[':method'], 'POST');
      assert.equal(seen!.headers[':scheme'], 'https');
      assert.equal(seen!.headers[':authority'], 'api.example.com');
      if (personal?.apnsIds) {
        const hex = Buffer.from(personal.apnsIds.subarray(16 * i, 16 * i + 16)).toString('hex');
        const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
        assert.equal(seen!.headers['apns-id'], uuid);
      }
    }
  });
  const left = [...byPath.values()].flat().length;
  assert.equal(left, 0, `${left} requests arrived that were never submitted`);
}

function hasHeaders(seen: Seen, notification: Notification): boolean {
  return notification.headers.every(([name, value]) => seen.headers[name] === value);
}

interface Piece {
  readonly payloadBytes: number;
  readonly count: number;
  readonly tokenBytes: number;
  readonly collapseId: string | null;
  readonly providerToken: string | null;
}

const piece: fc.Arbitrary<Piece> = fc.record({
  payloadBytes: fc.oneof(fc.constantFrom(0, 1, 120, 5120), fc.integer({ min: 0, max: 5120 })),
  count: fc.integer({ min: 1, max: 60 }),
  tokenBytes: fc.constantFrom(32, 32, 32, 1, 31, 100),
  collapseId: fc.option(fc.constantFrom('a', 'b', 'a-longer-collapse-id'), { nil: null }),
  providerToken: fc.option(fc.constantFrom('first.token', 'second.token'), { nil: null }),
});

/** Runs a body with a peer and closes the peer, whatever happens. */
async function withPeer(peer: NodePeer, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    peer.close();
  }
}

/** Sends the pieces one after the other and compares what arrived, and that all were accepted. */
async function sendAndCompare(peer: NodePeer, pieces: readonly Piece[]): Promise<void> {
  const notifications = pieces.map(({ payloadBytes, collapseId }) =>
    withPayload(payloadBytes, collapseId === null ? [] : [['apns-collapse-id', collapseId]]),
  );
  const all = pieces.map(({ count, tokenBytes, providerToken }, i) =>
    work(notifications[i]!, count, { tokenBytes, providerToken }),
  );
  await peer.sendAll(all);
  assertSeen(peer, all, notifications);
  for (const report of peer.listener.reports.values()) assert.equal(report.kind, 'accepted');
}

const sharedPriority = plainNotification.headers.find(([name]) => name === 'apns-priority')?.[1];
const exactly = (count: number): fc.ArrayConstraints => ({ minLength: count, maxLength: count });

function personalWith(
  count: number,
  expirations: number[] | null,
  priorities: number[] | null,
  ids: string[] | null,
  hasIds: boolean,
  hasPayloads: boolean,
): PersonalParts {
  const offsets = new Uint32Array(count + 1);
  ids?.forEach((id, i) => {
    offsets[i + 1] = offsets[i]! + id.length;
  });
  return {
    apnsIds: hasIds ? new Uint8Array(16 * count).map((_, i) => i) : null,
    payloads: hasPayloads ? new Uint8Array(2 * count).fill(65) : null,
    payloadOffsets: hasPayloads ? Uint32Array.from({ length: count + 1 }, (_, i) => 2 * i) : null,
    fields: {
      expirations: expirations === null ? null : Uint32Array.from(expirations),
      priorities: priorities === null ? null : Uint8Array.from(priorities),
      collapseIds: ids === null ? null : Buffer.from(ids.join('')),
      collapseIdOffsets: ids === null ? null : offsets,
    },
  };
}

describe('codec/http2: requests as node:http2 reads them', () => {
  it('arrive intact for random batches, payloads, windows, stream limits and table sizes', async () => {
    const settings = fc.record({
      initialWindowSize: fc.constantFrom(65_535, 1000, 5000, 1 << 20),
      maxConcurrentStreams: fc.constantFrom(1, 2, 7, 100, 1000),
      headerTableSize: fc.constantFrom(0, 64, 150, 300, 4096, 65_536),
    });
    await fc.assert(
      fc.asyncProperty(settings, fc.array(piece, { minLength: 1, maxLength: 5 }), (chosen, pieces) => {
        const peer = new NodePeer(chosen);
        return withPeer(peer, () => sendAndCompare(peer, pieces));
      }),
      { numRuns: cases(100, 30) },
    );
  });

  it('arrive intact through windows of a single byte', async () => {
    const peer = new NodePeer({ initialWindowSize: 1 });
    const small = { tokenBytes: 32, collapseId: null, providerToken: null };
    await withPeer(peer, () =>
      sendAndCompare(peer, [
        { ...small, count: 20, payloadBytes: 30 },
        { ...small, count: 5, payloadBytes: 0 },
      ]),
    );
  });

  it('arrive intact while the server changes its settings', async () => {
    const change = fc.record({
      initialWindowSize: fc.integer({ min: 1000, max: 200_000 }),
      headerTableSize: fc.constantFrom(0, 100, 200, 4096),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.array(piece, { minLength: 2, maxLength: 5 }),
        (changes, pieces) => {
          // A limit that falls below what is on its way makes nghttp2 refuse streams: here it only rises.
          const peer = new NodePeer({ maxConcurrentStreams: 3 });
          const { answer } = peer;
          peer.answer = (stream, seen) => {
            if (peer.seen.length % 10 === 1) {
              const step = Math.floor(peer.seen.length / 10);
              const next = changes[step];
              if (next !== undefined) peer.session?.settings({ ...next, maxConcurrentStreams: 4 + 20 * step });
            }
            answer(stream, seen);
          };
          return withPeer(peer, () => sendAndCompare(peer, pieces));
        },
      ),
      { numRuns: cases(60, 20) },
    );
  });

  it('carry personal payloads and apns-ids', async () => {
    const peer = new NodePeer();
    const count = 200;
    const payloadOffsets = Uint32Array.from({ length: count + 1 }, (_, i) => (i * (i + 1)) / 2);
    const personal: PersonalParts = {
      apnsIds: new Uint8Array(16 * count).map((_, i) => i * 11),
      payloads: new Uint8Array(payloadOffsets[count]!).map((_, i) => i),
      payloadOffsets,
    };
    const each = work(plainNotification, count, { hasPersonalIds: true, hasPersonalPayloads: true });
    const all = [{ ...each, personal }];
    await withPeer(peer, async () => {
      await peer.sendAll(all);
      assertSeen(peer, all, [plainNotification]);
    });
  });

  it('carry header fields of the recipient’s own in place of the shared ones, whatever the tables hold', async () => {
    const count = 40;
    const shared = withPayload(50, [
      ['apns-expiration', '1900000000'],
      ['apns-collapse-id', 'shared'],
    ]);
    const one = fc.record({
      expirations: fc.option(fc.array(fc.constantFrom(0, 9, 10, 99, 1_900_000_001, 4_294_967_295), exactly(count))),
      priorities: fc.option(fc.array(fc.constantFrom(1, 5, 10), exactly(count))),
      ids: fc.option(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'Z', '~', '0'), minLength: 1, maxLength: 64 }), exactly(count)),
      ),
      hasIds: fc.boolean(),
      hasPayloads: fc.boolean(),
    });
    const settings = fc.record({
      initialWindowSize: fc.constantFrom(65_535, 30),
      headerTableSize: fc.constantFrom(0, 150, 4096),
    });
    await fc.assert(
      fc.asyncProperty(settings, fc.array(one, { minLength: 1, maxLength: 3 }), async (chosen, pieces) => {
        const peer = new NodePeer(chosen);
        const all = pieces.map(({ expirations, priorities, ids, hasIds, hasPayloads }) => {
          const parts = personalWith(count, expirations, priorities, ids, hasIds, hasPayloads);
          const ownFields = fieldMask(parts.fields);
          return {
            ...work(shared, count, { hasPersonalIds: hasIds, hasPersonalPayloads: hasPayloads, ownFields }),
            personal: parts,
          };
        });
        await withPeer(peer, () => peer.sendAll(all));
        const expected = pieces.flatMap(({ expirations, priorities, ids }) =>
          Array.from({ length: count }, (_, i) => [
            someTokens(count).textAt(i),
            String(expirations?.[i] ?? 1_900_000_000),
            priorities === null ? sharedPriority : String(priorities[i]),
            ids?.[i] ?? 'shared',
          ]),
        );
        const seen = peer.seen.map(({ headers }) => [
          String(headers[':path']).slice('/3/device/'.length),
          headers['apns-expiration'],
          headers['apns-priority'],
          headers['apns-collapse-id'],
        ]);
        const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
        assert.deepEqual(sorted(seen), sorted(expected));
      }),
      { numRuns: 40 },
    );
  });

  it('are answered with status, body and fields, however node sends them', async () => {
    const peer = new NodePeer();
    peer.answer = (stream) => {
      const id = stream.id!;
      if (id % 3 === 0) {
        stream.respond({ ':status': 410, 'apns-id': `id-${id}` });
        stream.write('{"reason":');
        stream.end('"Unregistered"}');
      } else if (id % 3 === 1) {
        stream.additionalHeaders({ ':status': 103 });
        stream.respond({ ':status': 200 });
        stream.end();
      } else {
        stream.respond({ ':status': 429, 'retry-after': '5', 'content-length': 2 });
        stream.end('{}');
      }
    };
    await withPeer(peer, async () => {
      await peer.sendAll([work(withPayload(100), 300)]);
      for (const [tag, report] of peer.listener.reports) {
        const id = 2 * tag + 1;
        const expected = [
          { kind: 'rejected', status: 410, body: '{"reason":"Unregistered"}', apnsId: `id-${id}`, retryAfter: null },
          { kind: 'accepted' },
          { kind: 'rejected', status: 429, body: '{}', apnsId: null, retryAfter: '5' },
        ];
        assert.deepEqual(report, expected[id % 3]);
      }
    });
  });

  it('are split by a GOAWAY of the server: what it saw is answered, the rest unsent', async () => {
    const peer = new NodePeer({ maxConcurrentStreams: 1000 });
    const { answer } = peer;
    peer.answer = (stream, seen) => {
      if (peer.seen.length === 50) peer.session?.goaway(http2.constants.NGHTTP2_NO_ERROR, stream.id!);
      answer(stream, seen);
    };
    await withPeer(peer, async () => {
      const count = 1000;
      const template = peer.connection.template(plainNotification, { tokenBytes: 32, providerToken: null });
      const tokens = someTokens(count);
      await peer.until(() => peer.connection.isReady);
      const taken = peer.connection.submit(
        template,
        { tokens, personal: null, order: inOrder(count), head: 0, tagBase: 0 },
        count,
      );
      peer.pump();
      await peer.until(() => peer.connection.goaway !== null && peer.connection.activeStreams === 0);
      const { lastStreamId } = peer.connection.goaway!;
      assert.equal(peer.listener.reports.size, taken);
      for (const [tag, { kind }] of peer.listener.reports) {
        assert.equal(kind, 2 * tag + 1 <= lastStreamId ? 'accepted' : 'unsent', `tag ${tag}`);
      }
    });
  });
});
