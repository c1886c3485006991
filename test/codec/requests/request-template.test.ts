import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as frames from '../../../src/codec/http2/frames.js';
import type { Notification, PersonalParts } from '../../../src/push/notification.js';
import { accepted, windowUpdate } from '../../support/frames.js';
import { inOrder, plainNotification, ScriptedPeer, someTokens } from '../../support/scripted-peer.js';

const topicOnly: Notification = { ...plainNotification, headers: [['apns-topic', 'a.b']], payload: Buffer.from('{}') };

/** Answers every open request of the peer, so that more may be sent. */
function answerAll(peer: ScriptedPeer): void {
  for (const streamId of peer.requests.keys()) peer.send(accepted(streamId));
  peer.requests.clear();
}

describe('codec/requests/request-template', () => {
  it('codes the first request field by field and the next by index, octet by octet', () => {
    const peer = ScriptedPeer.opened();
    const template = peer.template({ tokenBytes: 2 }, topicOnly);
    assert.equal(peer.submit(2, 0, template), 2);
    const tokens = someTokens(2, 2);
    // biome-ignore format: one field to a row
    const path = (index: number) => [
      0x04,                                     // :path, not entered
      14, ...Buffer.from('/3/device/'), ...Buffer.from(tokens.textAt(index)),
    ];
    const sent = peer.read();
    // :authority as a literal that is entered, under the name at index 1.
    assert.deepEqual([...sent[0]!.payload.subarray(0, 3)], [0x83, 0x87, 0x41]);
    // biome-ignore format: one field to a row
    assert.deepEqual([...sent[2]!.payload], [
      0x83,                                     // :method POST
      0x87,                                     // :scheme https
      0xbf,                                     // :authority, entry 63
      ...path(1),
      0xbe,                                     // apns-topic, entry 62
    ]);
    assert.deepEqual(peer.requests.get(3)?.headers, [
      [':method', 'POST'],
      [':scheme', 'https'],
      [':authority', 'api.example.com'],
      [':path', `/3/device/${tokens.textAt(1)}`],
      ['apns-topic', 'a.b'],
    ]);
  });

  it('patches requests that are laid out already, buffer after buffer', () => {
    const peer = ScriptedPeer.opened([[3, 50]]);
    const template = peer.template();
    for (let round = 0; round < 12; round++) {
      const count = [50, 7, 50, 33][round % 4]!;
      const tokens = someTokens(500);
      const order = inOrder(500);
      const from = round * 17;
      assert.equal(
        peer.connection.submit(template, { tokens, personal: null, order, head: from, tagBase: round * 1000 }, count),
        count,
      );
      const before = peer.requests.size;
      peer.read();
      assert.equal(before, 0);
      [...peer.requests.values()].forEach((request, index) => {
        assert.equal(request.headers[3]?.[1], `/3/device/${tokens.textAt(from + index)}`);
        assert.equal(request.body, plainNotification.payload.toString());
        assert.ok(request.isComplete);
      });
      assert.equal(peer.requests.size, count);
      answerAll(peer);
      peer.send(windowUpdate(0, count * plainNotification.payload.length));
    }
    assert.equal(peer.connection.failure, null);
  });

  it('keeps every field right whatever templates, sizes and table sizes are mixed', () => {
    const step = fc.record({
      which: fc.integer({ min: 0, max: 3 }),
      count: fc.integer({ min: 1, max: 20 }),
      tableBytes: fc.option(fc.constantFrom(0, 50, 120, 200, 4096, 65_536), { nil: null }),
      again: fc.option(fc.constantFrom(0, 100, 4096), { nil: null }),
      isRead: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const peer = ScriptedPeer.opened();
        const notifications: Notification[] = [
          plainNotification,
          { ...topicOnly, payload: Buffer.alloc(0) },
          {
            ...plainNotification,
            headers: [...plainNotification.headers, ['apns-expiration', '1']],
            payload: Buffer.alloc(300, 'y'),
          },
          {
            ...plainNotification,
            headers: [...plainNotification.headers, ['apns-expiration', '2'], ['apns-collapse-id', 'z'.repeat(64)]],
          },
        ];
        const templates = notifications.map((each, i) =>
          peer.connection.template(each, { tokenBytes: 32, providerToken: i % 2 ? null : `jwt-${i}` }),
        );
        const expected: { path: string; body: string; headers: (readonly [string, string])[] }[] = [];
        for (const { which, count, tableBytes, again, isRead } of steps) {
          const announced = [tableBytes, again].filter((bytes) => bytes !== null);
          if (announced.length > 0) peer.announce(announced.map((bytes) => [1, bytes] as const));
          const tokens = someTokens(count);
          const taken = peer.connection.submit(
            templates[which]!,
            { tokens, personal: null, order: inOrder(count), head: 0, tagBase: expected.length },
            count,
          );
          assert.equal(taken, count);
          for (let i = 0; i < count; i++) {
            const token = which % 2 ? [] : [['authorization', `bearer jwt-${which}`] as const];
            expected.push({
              path: `/3/device/${tokens.textAt(i)}`,
              body: Buffer.from(notifications[which]!.payload).toString(),
              headers: [...token, ...notifications[which]!.headers],
            });
          }
          if (isRead) peer.read();
        }
        peer.read();
        const seen = [...peer.requests.values()];
        assert.equal(seen.length, expected.length);
        seen.forEach(({ headers, body, isComplete }, i) => {
          assert.deepEqual(headers.slice(4), expected[i]!.headers);
          assert.deepEqual([headers[3]![1], body, isComplete], [expected[i]!.path, expected[i]!.body, true]);
        });
      }),
    );
  });

  it('announces the smallest and the last table size once, in the next block (4.3.1)', () => {
    const peer = ScriptedPeer.opened();
    peer.request(1);
    peer.announce([[1, 0]]);
    peer.announce([[1, 256]]);
    peer.read();
    peer.submit(3, 10);
    const blocks = peer.read().filter(({ type }) => type === frames.HEADERS);
    assert.deepEqual([...blocks[0]!.payload.subarray(0, 4)], [0x20, 0x3f, 0xe1, 0x01]);
    for (const each of blocks.slice(1)) assert.equal(each.payload[0], 0x83);
  });

  it('does not let its own fields push each other out of a small table', () => {
    // 120 bytes hold two of the entries; entered in turn, none would be there when it is needed again.
    const peer = ScriptedPeer.opened([[1, 120]]);
    peer.submit(3);
    const blocks = peer.read().filter(({ type }) => type === frames.HEADERS);
    for (const { payload } of blocks.slice(1)) {
      assert.equal(payload[2], 0xbf, ':authority by index');
      assert.ok(payload.includes(0xbe), 'apns-topic by index');
    }
    assert.equal(peer.requests.get(5)?.headers.at(-1)?.[0], 'apns-priority');
  });

  it('follows Apple: :path is never entered, a changing collapse id only once', () => {
    const peer = ScriptedPeer.opened();
    for (let i = 0; i < 5; i++) {
      const notification = {
        ...topicOnly,
        headers: [...topicOnly.headers, ['apns-collapse-id', `score-${i}`] as const],
      };
      peer.submit(3, 10 * i, peer.template({}, notification));
      peer.read();
    }
    // :authority, apns-topic, the first apns-collapse-id.
    assert.equal(peer.decoder.tableEntries, 3);
    assert.equal(peer.requests.get(29)?.headers.at(-1)?.[1], 'score-4');
  });

  it('sends the provider token by index, or as a literal that may not enter any table', () => {
    for (const indexAuthorization of [true, false]) {
      const peer = ScriptedPeer.opened([], { indexAuthorization });
      const template = peer.template({ providerToken: 'header.claims.signature' });
      peer.submit(2, 0, template);
      const blocks = peer.read().filter(({ type }) => type === frames.HEADERS);
      assert.equal(blocks[1]!.payload.includes(0x1f), !indexAuthorization);
      assert.ok(blocks[1]!.payload.length < 100 === indexAuthorization);
      for (const { headers } of peer.requests.values()) {
        assert.deepEqual(headers[4], ['authorization', 'bearer header.claims.signature']);
      }
    }
  });

  it('writes personal payloads and apns-ids to whom they belong', () => {
    const size = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 }), fc.constant(3000));
    const shape = fc.record({
      sizes: fc.array(size, { minLength: 1, maxLength: 40 }),
      hasIds: fc.boolean(),
      hasPayloads: fc.boolean(),
      windowBytes: fc.constantFrom(65_535, 200, 10),
    });
    fc.assert(
      fc.property(shape, ({ sizes, hasIds, hasPayloads, windowBytes }) => {
        const peer = ScriptedPeer.opened([[4, windowBytes]]);
        const count = sizes.length;
        const offsets = new Uint32Array(count + 1);
        sizes.forEach((bytes, i) => {
          offsets[i + 1] = offsets[i]! + bytes;
        });
        const payloads = new Uint8Array(offsets[count]!).map((_, i) => 32 + (i % 90));
        const personal: PersonalParts = {
          apnsIds: hasIds ? new Uint8Array(16 * count).map((_, i) => i * 7) : null,
          payloads: hasPayloads ? payloads : null,
          payloadOffsets: hasPayloads ? offsets : null,
        };
        const template = peer.template({ hasPersonalIds: hasIds, hasPersonalPayloads: hasPayloads });
        const tokens = someTokens(count);
        const order = inOrder(count).reverse();
        let from = 0;
        while (from < count) {
          const taken = peer.connection.submit(
            template,
            { tokens, personal, order, head: from, tagBase: 0 },
            count - from,
          );
          peer.read();
          peer.send(windowUpdate(0, 30_000));
          if (taken === 0) answerAll(peer);
          for (const { streamId, isComplete } of peer.requests.values()) {
            if (!isComplete) peer.send(windowUpdate(streamId, 3000));
          }
          check(peer, from, taken);
          from += taken;
        }
        peer.read();
        assert.ok([...peer.requests.values()].every(({ isComplete }) => isComplete));

        function check(at: ScriptedPeer, start: number, taken: number): void {
          at.read();
          const newest = [...at.requests.values()].slice(-taken);
          for (let i = 0; i < taken; i++) {
            const recipient = order[start + i]!;
            const { headers, body } = newest[i]!;
            assert.equal(headers[3]![1], `/3/device/${tokens.textAt(recipient)}`);
            const own = payloads.subarray(offsets[recipient]!, offsets[recipient + 1]!);
            assert.equal(body, Buffer.from(hasPayloads ? own : plainNotification.payload).toString());
            if (!hasIds) continue;
            const hex = Buffer.from(personal.apnsIds!.subarray(16 * recipient, 16 * recipient + 16)).toString('hex');
            const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
            assert.deepEqual(headers.at(-1), ['apns-id', uuid]);
          }
        }
      }),
    );
  });
});
