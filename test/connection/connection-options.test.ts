import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadCredential } from '../../src/apns/credentials/load-credential.js';
import { PealError } from '../../src/base/errors.js';
import { APNs } from '../../src/session/apns.js';
import { Message } from '../../src/session/message/message.js';
import { Session } from '../../src/session/session.js';
import type { Backend, OpenOptions } from '../../src/transport/backend.js';

const keys = ['address', 'alpnProtocol', 'ca', 'certificate', 'connectTimeoutMs', 'pins', 'readBufferSize'];

/** A back-end that refuses each stream for good, and keeps what it was asked for. */
class RefusingBackend implements Backend {
  readonly seen: OpenOptions[] = [];

  open(options: OpenOptions, listener: Parameters<Backend['open']>[1]): ReturnType<Backend['open']> {
    this.seen.push(options);
    const error = new PealError('ERR_PEAL_TLS', 'Refused.', { origin: 'credential', retryable: false });
    setImmediate(() => listener.onClosed(error));
    const nothing = (): void => {};
    const stream = { write: nothing, pauseReading: nothing, resumeReading: nothing, end: nothing, destroy: nothing };
    return { ...stream, details: () => ({}) };
  }
}

describe('what a back-end is asked for', () => {
  for (const url of ['https://127.0.0.1:1', 'binary://127.0.0.1:1']) {
    it(`is what docs/backends.md lists, and no other option of the session (${url})`, async () => {
      const backend = new RefusingBackend();
      await using session = new Session({ threads: 0, backend, maxConnections: 3, writeTimeoutMs: 5000, flush: false });
      const gateway = session.newConnection(url, loadCredential(null));
      const result = await new APNs(gateway).send(new Message('ab'.repeat(32), { alert: 'x', topic: 'a.b' }));
      assert.equal(result.stopped?.code, 'ERR_PEAL_TLS');
      assert.ok(backend.seen.length > 0);
      for (const options of backend.seen) assert.deepEqual(Object.keys(options).sort(), keys);
    });
  }

  it('is asked for by a feedback reader alike', async () => {
    const backend = new RefusingBackend();
    await using session = new Session({ threads: 0, backend });
    const gateway = session.newConnection('feedback://127.0.0.1:1', loadCredential(null));
    await assert.rejects(new APNs(gateway).feedback().next(), { code: 'ERR_PEAL_TLS' });
    assert.deepEqual(Object.keys(backend.seen[0]!).sort(), keys);
  });

  it('stands in docs/backends.md', () => {
    const page = readFileSync(new URL('../../../docs/backends.md', import.meta.url), 'utf8');
    const row = page.split('\n').find((line) => line.startsWith('| `open(options, listener)`'))!;
    const [, listed] = row.split('`options`: ') as [string, string];
    for (const key of keys) assert.ok(listed.includes(`\`${key}\``), key);
  });
});
