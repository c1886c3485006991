/**
 * A back-end that breaks its contract (docs/backends.md), tested through whole sends: what it calls too often, or too
 * late, is ignored and logged, and changes no outcome.
 */
import assert from 'node:assert/strict';
import { createTlsBackend } from '../../src/backend.js';
import { APNs, Message, Session, startSimulator } from '../../src/index.js';
import type { Backend, BackendStream, ByteStreamListener, OpenOptions } from '../../src/transport/backend.js';

/** How the back-end breaks its contract. */
const breaches = {
  'onWritten twice': 'onWritten without a write',
  'onWritten again, a turn later': 'onWritten without a write',
  'onWritten after onClosed': null,
  'onClosed twice': 'onClosed again',
  'onClosed again, a turn later': 'onClosed again',
  'onOpen twice': 'onOpen again',
} as const;

type Breach = keyof typeof breaches;

function breaching(breach: Breach): new () => Backend {
  return class implements Backend {
    readonly #tls = createTlsBackend();

    open(options: OpenOptions, listener: ByteStreamListener): BackendStream {
      let latest = (): void => {};
      const stream = this.#tls.open(options, {
        onOpen: () => {
          listener.onOpen();
          if (breach === 'onOpen twice') listener.onOpen();
        },
        onBytes: (buffer, length) => listener.onBytes(buffer, length),
        onClosed: (error) => {
          listener.onClosed(error);
          if (breach === 'onClosed twice') listener.onClosed(error);
          if (breach === 'onClosed again, a turn later') setImmediate(() => listener.onClosed(error));
          if (breach === 'onWritten after onClosed') latest();
        },
      }) as BackendStream;
      return {
        write: (bytes, onWritten) => {
          latest = onWritten;
          stream.write(bytes, () => {
            onWritten();
            if (breach === 'onWritten twice') onWritten();
            if (breach === 'onWritten again, a turn later') setImmediate(onWritten);
          });
        },
        pauseReading: () => stream.pauseReading(),
        resumeReading: () => stream.resumeReading(),
        end: () => stream.end(),
        destroy: () => stream.destroy(),
        details: () => stream.details(),
      };
    }
  };
}

const tokens = Array.from({ length: 200 }, (_, index) => index.toString(16).padStart(64, '0'));

for (const protocol of ['HTTP/2', 'binary'] as const) {
  describe(`a back-end that breaks its contract, ${protocol}`, () => {
    for (const breach of Object.keys(breaches) as Breach[]) {
      it(breach, async () => {
        const warnings: string[] = [];
        const silent = (): void => {};
        const logger = {
          ...{ trace: silent, debug: silent, info: silent, error: silent },
          warn: (_fields: object, message: string) => void warnings.push(message),
        };
        await using simulator = await startSimulator(protocol === 'binary' ? { binaryPort: 0 } : {});
        const url = protocol === 'binary' ? simulator.binaryUrl! : simulator.url;
        const options = { ca: simulator.caCertificate!, backend: breaching(breach), threads: 0, logger };
        const session = new Session(options);
        const topic = protocol === 'binary' ? {} : { topic: 'com.example.app' };
        const apns = new APNs(session.getConnection(url, null));
        const result = await apns.send(new Message(tokens, { alert: 'Hello', ...topic }));
        await session.close();
        // What is told a turn later may come after the end of the session.
        await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual([result.accepted, result.stopped], [200, null]);
        const said = breaches[breach];
        const expected = `the back-end called ${said}, which its contract (docs/backends.md) forbids: the call is ignored`;
        assert.deepEqual([...new Set(warnings)], said === null ? [] : [expected]);
      });
    }
  });
}
