import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { SinkProcess } from '../../bench/lib/sink-process.js';
import { FrameWalk } from '../../bench/sink/frame-walk.js';
import type { SinkOptions } from '../../bench/sink/options.js';
import { CONNECTION_PREFACE } from '../../src/codec/http2/frames.js';

describe('bench/sink', () => {
  const open = new Set<{ sink: SinkProcess; session: ClientHttp2Session }>();

  afterEach(async () => {
    for (const { sink, session } of open) {
      session.destroy();
      await sink[Symbol.asyncDispose]();
    }
    open.clear();
  });

  async function start(
    options: Partial<SinkOptions> = {},
  ): Promise<{ sink: SinkProcess; session: ClientHttp2Session }> {
    const sink = await SinkProcess.start(options);
    const session = connect(sink.target.url, { ca: sink.target.ca });
    const both = { sink, session };
    open.add(both);
    await once(session, 'remoteSettings');
    return both;
  }

  async function post(session: ClientHttp2Session, body: Buffer): Promise<{ status: unknown; apnsId: unknown }> {
    const stream = session.request({ ':method': 'POST', ':path': '/3/device/00' });
    stream.end(body);
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    stream.resume();
    await once(stream, 'close');
    return { status: headers[':status'], apnsId: headers['apns-id'] };
  }

  for (const record of ['turn', 'answer'] as const) {
    it(`answers each request with 200 and an apns-id of its own, in one record for each ${record}`, async () => {
      const { sink, session } = await start({ record });
      const answers = await Promise.all(Array.from({ length: 300 }, () => post(session, Buffer.alloc(100))));
      assert.ok(answers.every(({ status }) => status === 200));
      assert.equal(new Set(answers.map(({ apnsId }) => apnsId)).size, 300);
      for (const { apnsId } of answers) assert.match(String(apnsId), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      const { requests, bodyBytes, connections, cpuUs } = await sink.reset();
      assert.deepEqual({ requests, bodyBytes, connections }, { requests: 300, bodyBytes: 30_000, connections: 1 });
      assert.ok(cpuUs > 0);
      assert.equal((await sink.counts()).requests, 0);
    });
  }

  it('answers with the name of a message in a body, and keeps to the window of the client', async () => {
    const { sink, session } = await start({ answers: 'fcm' });
    const read = async (): Promise<string> => {
      const stream = session.request({ ':method': 'POST', ':path': '/v1/projects/bench/messages:send' });
      stream.end('{}');
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      assert.deepEqual([headers[':status'], headers['content-type']], [200, 'application/json; charset=UTF-8']);
      const { name } = JSON.parse(await text(stream)) as { name: string };
      return name;
    };
    // More than two windows of bodies.
    const names = await Promise.all(Array.from({ length: 2_000 }, read));
    assert.equal(new Set(names).size, 2_000);
    for (const name of names) assert.match(name, /^projects\/bench\/messages\/0:\d{16}%[0-9a-f]{16}$/);
    assert.equal((await sink.counts()).requests, 2_000);
  });

  it('keeps to its window, and gives it back', async () => {
    const { sink, session } = await start({ windowBytes: 65_535, maxStreams: 7 });
    assert.equal(session.remoteSettings.maxConcurrentStreams, 7);
    assert.equal(session.remoteSettings.initialWindowSize, 65_535);
    for (let i = 0; i < 100; i++) await post(session, Buffer.alloc(4_000));
    assert.equal((await sink.counts()).bodyBytes, 400_000);
  });

  it('answers one round trip later, as many at a time as its streams allow', async () => {
    const { sink, session } = await start({ roundTripMs: 50, maxStreams: 10 });
    const started = performance.now();
    await Promise.all(Array.from({ length: 30 }, () => post(session, Buffer.alloc(10))));
    // Three times ten requests. Timers may be a fraction of a millisecond early.
    assert.ok(performance.now() - started >= 148, `${performance.now() - started} ms`);
    const { requests, mostInFlight } = await sink.counts();
    assert.deepEqual({ requests, mostInFlight }, { requests: 30, mostInFlight: 10 });
  });

  it('walks over frames in pieces of any length', () => {
    const frame = (type: number, flags: number, streamId: number, payload: Buffer): Buffer => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(payload.length, 0, 3);
      head[3] = type;
      head[4] = flags;
      head.writeUInt32BE(streamId, 5);
      return Buffer.concat([head, payload]);
    };
    const bytes = Buffer.concat([
      Buffer.from(CONNECTION_PREFACE),
      frame(4, 0, 0, Buffer.alloc(12)),
      frame(1, 4, 1, Buffer.alloc(85)),
      frame(0, 1, 1, Buffer.alloc(120)),
      frame(6, 0, 0, Buffer.from('12345678')),
      frame(1, 5, 3, Buffer.alloc(0)),
    ]);
    const expected = ['4 0 0 12', '1 4 1 85', '0 1 1 120', '6 0 0 8', '1 5 3 0'];
    for (let piece = 1; piece <= bytes.length; piece++) {
      const seen: string[] = [];
      const walk = new FrameWalk({
        onRequestFrame: (...values) => seen.push(values.join(' ')),
        onControlFrame: (type, flags, streamId, payload) => seen.push(`${type} ${flags} ${streamId} ${payload.length}`),
      });
      for (let at = 0; at < bytes.length; at += piece) walk.receive(bytes.subarray(at, at + piece));
      assert.deepEqual(seen, expected, `pieces of ${piece}`);
    }
  });
});
