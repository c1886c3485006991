import assert from 'node:assert/strict';
import { maxStreamId } from '../../../src/base/limits.js';
import { HpackEncoder } from '../../../src/codec/hpack/encoder.js';
import { SendWindow } from '../../../src/codec/http2/flow-control.js';
import { Output } from '../../../src/codec/http2/output.js';
import { PeerSettings } from '../../../src/codec/http2/settings.js';
import { StreamTable } from '../../../src/codec/http2/stream-table.js';
import { RequestTemplate } from '../../../src/codec/requests/request-template.js';
import { RequestWriter } from '../../../src/codec/requests/request-writer.js';
import { settingsFrame, splitFrames } from '../../support/frames.js';
import { inOrder, plainNotification, ScriptedPeer, someTokens } from '../../support/scripted-peer.js';

function writerAt(nextId: number): { writer: RequestWriter; streams: StreamTable; output: Output } {
  const streams = new StreamTable();
  streams.nextId = nextId;
  const output = new Output();
  const writer = new RequestWriter(streams, output, new PeerSettings(), new SendWindow(), new HpackEncoder());
  return { writer, streams, output };
}

function template(hasPersonalPayloads: boolean): RequestTemplate {
  const fields = {
    authority: 'api.example.com',
    path: '/3/device/',
    authorizationScheme: 'bearer',
    indexAuthorization: true,
  };
  const made = new RequestTemplate(plainNotification, fields, {
    tokenBytes: 32,
    providerToken: null,
    hasPersonalPayloads,
  });
  made.adapt(new PeerSettings());
  return made;
}

describe('codec/requests/request-writer', () => {
  for (const isPersonal of [false, true]) {
    it(`uses ids up to 2^31-1 and never wraps (5.1.1), ${isPersonal ? 'personal' : 'shared'} payloads`, () => {
      const { writer, streams, output } = writerAt(maxStreamId - 4);
      const personal = {
        apnsIds: null,
        payloads: new Uint8Array(10),
        payloadOffsets: Uint32Array.from({ length: 11 }, (_, i) => i),
      };
      const recipients = {
        tokens: someTokens(10),
        personal: isPersonal ? personal : null,
        order: inOrder(10),
        head: 0,
        tagBase: 0,
      };
      assert.equal(writer.credit(10, 100), 3);
      assert.equal(writer.submit(template(isPersonal), recipients, 10, 100), 3);
      const ids = new Set(splitFrames(output.take()!).map(({ streamId }) => streamId));
      assert.deepEqual([...ids], [maxStreamId - 4, maxStreamId - 2, maxStreamId]);
      assert.ok(streams.nextId > maxStreamId);
      assert.equal(writer.credit(10, 100), 0);
      assert.equal(writer.submit(template(isPersonal), recipients, 10, 100), 0);
    });
  }

  it('takes no more than asked for and no more than may be open', () => {
    const { writer, streams } = writerAt(1);
    const recipients = { tokens: someTokens(10), personal: null, order: inOrder(10), head: 2, tagBase: 5 };
    assert.equal(writer.submit(template(false), recipients, 4, 100), 4);
    assert.equal(writer.submit(template(false), recipients, 8, 3), 3);
    assert.equal(streams.active, 7);
    assert.deepEqual([...streams.tags.subarray(0, 7)], [7, 8, 9, 10, 7, 8, 9]);
  });

  for (const [name, disturb] of [
    ['a control frame', (peer: ScriptedPeer) => peer.send(settingsFrame([]))],
    [
      'a request with a payload of its own',
      (peer: ScriptedPeer) => {
        const personal = { apnsIds: null, payloads: Buffer.from('own'), payloadOffsets: Uint32Array.of(0, 3) };
        assert.equal(peer.submit(1, 900, peer.template({ hasPersonalPayloads: true }), personal), 1);
      },
    ],
  ] as const) {
    it(`lays a slot out anew where ${name} stood in its place before`, () => {
      const peer = ScriptedPeer.opened([[3, 100]]);
      const template = peer.template();
      let tags = 0;
      // Two buffers take turns: each is laid out, then disturbed behind its first slot, then patched.
      for (let turn = 0; turn < 8; turn++) {
        const count = turn === 3 || turn === 4 ? 1 : 4;
        assert.equal(peer.submit(count, tags, template), count);
        tags += count;
        if (count === 1) disturb(peer);
        peer.read();
      }
      const tokens = [...someTokens(4).bytes.subarray(0, 4 * 32)];
      const paths = [0, 1, 2, 3].map(
        (i) => `/3/device/${Buffer.from(tokens.slice(32 * i, 32 * i + 32)).toString('hex')}`,
      );
      const requests = [...peer.requests.values()].slice(-4);
      assert.deepEqual(
        requests.map(({ headers, body }) => [headers.find(([field]) => field === ':path')?.[1], body]),
        paths.map((path) => [path, plainNotification.payload.toString()]),
      );
    });
  }

  it("charges a payload of a recipient's own to the window of its stream", () => {
    const { writer, streams } = writerAt(1);
    const personal = { apnsIds: null, payloads: Buffer.alloc(70), payloadOffsets: Uint32Array.of(0, 40, 70) };
    const own = template(true);
    // Once field by field, which enters fields into the table, and then by the image.
    for (const head of [0, 1]) {
      const recipients = { tokens: someTokens(2), personal, order: inOrder(2), head, tagBase: 0 };
      assert.equal(writer.submit(own, recipients, 1, 10), 1);
    }
    assert.deepEqual([...streams.windowDeltas.subarray(0, 2)], [-40, -30]);
  });
});
