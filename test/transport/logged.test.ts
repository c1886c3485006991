import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import { type Logger, silentLogger } from '../../src/base/log.js';
import type { OpenOptions } from '../../src/transport/backend.js';
import { withLog } from '../../src/transport/logged.js';
import { createMemoryBackend, type MemoryStream } from '../../src/transport/memory.js';
import { StreamRecorder } from '../support/stream-recorder.js';
import { VirtualClock } from '../support/virtual-clock.js';

const address = { protocol: 'http2', host: 'gateway.test', port: 443 } as const;
const options: OpenOptions = { address, certificate: null, ca: null, alpnProtocol: null, connectTimeoutMs: 1_000 };

describe('transport/logged', () => {
  let clock: VirtualClock;
  let lines: unknown[][];
  let gateway: MemoryStream;
  let atGateway: StreamRecorder;

  beforeEach(() => {
    clock = new VirtualClock();
    lines = [];
    atGateway = new StreamRecorder();
  });

  const accepting = () =>
    createMemoryBackend(
      (stream) => {
        gateway = stream;
        return atGateway;
      },
      { clock },
    );

  function logger(...levels: (keyof Logger)[]): Logger {
    const own = levels.map((level) => [
      level,
      (fields: object, text: string) => void lines.push([level, text, fields]),
    ]);
    return { ...silentLogger, ...Object.fromEntries(own) };
  }

  it('is nothing at all where nobody wants it', () => {
    const backend = accepting();
    assert.equal(withLog(backend, silentLogger, {}), backend);
    assert.equal(withLog(backend, logger('info', 'warn', 'error'), {}), backend);
  });

  it('says at debug that a stream opened, and with what, and that it closed', () => {
    const recorder = new StreamRecorder();
    const stream = withLog(accepting(), logger('debug'), { connection: 7 }).open(options, recorder);
    clock.advance(1);
    stream.write(new Uint8Array(5), () => {});
    clock.advance(1);
    stream.destroy();
    clock.advance(1);
    assert.deepEqual(lines, [
      ['debug', 'stream open', { connection: 7, protocol: 'memory' }],
      ['debug', 'stream closed', { connection: 7, code: null }],
    ]);
    assert.deepEqual(recorder.events, ['open', 'closed']);
  });

  it('says at trace how much was written and read, and passes everything on', () => {
    const recorder = new StreamRecorder();
    const stream = withLog(accepting(), logger('trace'), { connection: 7 }).open(options, recorder);
    clock.advance(1);
    let isWritten = false;
    stream.write(new Uint8Array([1, 2, 3]), () => {
      isWritten = true;
    });
    stream.pauseReading();
    gateway.write(new Uint8Array([4, 5]), () => {});
    clock.advance(1);
    assert.deepEqual([isWritten, [...atGateway.received]], [true, [1, 2, 3]]);
    assert.deepEqual([...recorder.received], []);
    stream.resumeReading();
    clock.advance(1);
    assert.deepEqual([...recorder.received], [4, 5]);
    gateway.fail(new PealError('ERR_PEAL_CLOSED', 'gone', { origin: 'connect' }));
    clock.advance(1);
    assert.deepEqual(lines, [
      ['trace', 'write', { connection: 7, bytes: 3 }],
      ['trace', 'read', { connection: 7, bytes: 2 }],
    ]);
  });
});
