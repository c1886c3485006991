/** TLS: pinned keys hold wherever a session connects: over HTTP/2, binary and feedback, on threads, through a proxy. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryBackend } from '../../src/backend.js';
import { APNs, Message, Session, type SessionOptions, systemClock } from '../../src/index.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';
import { pinOf } from '../../src/transport/chain-pins.js';
import { ConnectProxy } from '../support/connect-proxy.js';

const pinOfPem = (pem: string): string => pinOf(new X509Certificate(pem));
const token = `00${'ab'.repeat(31)}`;

describe('security: pinned keys', () => {
  const authority = new ThrowAwayAuthority();
  const { cert, key } = authority.issueServer();
  const strange = pinOfPem(new ThrowAwayAuthority().certificate);
  let simulator: Simulator;
  let proxy: ConnectProxy;
  let folder: string;

  before(async () => {
    simulator = await startSimulator({ cert, key, binaryPort: 0, feedbackPort: 0 });
    proxy = await ConnectProxy.open();
    folder = mkdtempSync(path.join(tmpdir(), 'peal-test-'));
  });

  after(async () => {
    await simulator.close();
    await proxy.close();
    rmSync(folder, { recursive: true });
  });

  /** The code that the send stopped with; null where it was accepted. */
  async function send(pins: readonly string[], options: SessionOptions = {}, url = simulator.url) {
    simulator.ledger.reset();
    await using session = new Session({ ca: authority.certificate, pins, ...options });
    const apns = new APNs(session.getConnection(url, null));
    const topic = url.startsWith('binary') ? {} : { topic: 'com.example.app' };
    const result = await apns.send(new Message([token], { alert: 'Hello', ...topic }));
    assert.equal(result.accepted, result.stopped === null ? 1 : 0);
    assert.equal(simulator.ledger.summary().requests, result.accepted);
    return result.stopped;
  }

  const ways = (): Record<string, readonly [options: SessionOptions, url?: string]> => ({
    'HTTP/2': [{}],
    'a thread': [{ threads: 1 }],
    'a proxy': [{ backend: 'proxy', backendOptions: { url: proxy.url() } }],
    'a proxy, on a thread': [{ threads: 1, backend: 'proxy', backendOptions: { url: proxy.url() } }],
    binary: [{}, simulator.binaryUrl!],
  });

  for (const way of ['HTTP/2', 'a thread', 'a proxy', 'a proxy, on a thread', 'binary']) {
    it(`TLS: a gateway with one of several pinned keys is sent to, over ${way}`, async () => {
      assert.equal(await send([strange, pinOfPem(cert)], ...ways()[way]!), null);
    });

    it(`TLS: a gateway without any of the pinned keys is sent nothing, over ${way}`, async () => {
      const stopped = await send([strange], ...ways()[way]!);
      assert.equal(stopped?.code, 'ERR_PEAL_TLS');
      assert.equal(stopped.retryable, false);
      assert.ok(stopped.message.includes(pinOfPem(cert)), stopped.message);
    });
  }

  it('TLS: a feedback gateway is asked for its list only if it has a pinned key', async () => {
    const read = async (pins: readonly string[]): Promise<number> => {
      await using session = new Session({ ca: authority.certificate, pins });
      let count = 0;
      for await (const _ of new APNs(session.getConnection(simulator.feedbackUrl!, null)).feedback()) count++;
      return count;
    };
    assert.equal(await read([pinOfPem(cert)]), 0);
    await assert.rejects(read([strange]), { code: 'ERR_PEAL_TLS' });
  });

  it('TLS: a back-end that does not say that it checks pins is refused with pins, on threads, too', async () => {
    const tls = path.join(folder, 'unpinned.mjs');
    const backend = new URL('../../src/backend.js', import.meta.url);
    const wrapper = (more: string): string => `import { createTlsBackend } from ${JSON.stringify(backend.href)};
      export default class { ${more} #tls = createTlsBackend(); open(...args) { return this.#tls.open(...args); } }`;
    writeFileSync(tls, wrapper(''));
    const accept = (): never => assert.fail('nobody connects');
    for (const options of [
      ...[{ backend: tls }, { backend: tls, threads: 1 }, { backend: 'memory', backendOptions: { accept } }],
      { backend: createMemoryBackend(accept, { clock: systemClock }) },
    ]) {
      await assert.rejects(send([pinOfPem(cert)], options), {
        code: 'ERR_PEAL_OPTION',
        message: /The option pins does not go with this backend/,
      });
    }
    const pinned = path.join(folder, 'pinned.mjs');
    writeFileSync(pinned, wrapper('checksPins = true;'));
    assert.equal(await send([pinOfPem(cert)], { backend: pinned, threads: 1 }), null);
    assert.equal((await send([strange], { backend: pinned }))?.code, 'ERR_PEAL_TLS');
  });

  it('TLS: what is no pin is refused when the session is made', () => {
    for (const pins of [[], [pinOfPem(cert).slice(1)], 'sha256/x']) {
      assert.throws(() => new Session({ pins: pins as string[] }), { code: 'ERR_PEAL_OPTION' });
    }
  });
});
