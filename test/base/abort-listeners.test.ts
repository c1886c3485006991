import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { onAbort } from '../../src/base/abort-listeners.js';
import { readTokens } from '../../src/campaign/recipients/token-file.js';
import { Message } from '../../src/session/message/message.js';
import { Send } from '../../src/session/send/send.js';
import { checkSendOptions } from '../../src/session/send/send-options.js';
import { FakeEngine } from '../support/fake-engine.js';
import { VirtualClock } from '../support/virtual-clock.js';

const many = 50;

describe('base/abort-listeners', () => {
  let warnings: Error[];
  const onWarning = (warning: Error): void => void warnings.push(warning);

  beforeEach(() => {
    warnings = [];
    process.on('warning', onWarning);
  });

  afterEach(() => {
    process.off('warning', onWarning);
  });

  /** Node warns in a tick of its own. */
  async function assertQuiet(signal: AbortSignal, listeners: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(warnings, []);
    assert.equal(getEventListeners(signal, 'abort').length, listeners);
  }

  it('calls each listener once, without a warning, and leaves nothing on the signal', async () => {
    const abort = new AbortController();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const takeBack = Array.from({ length: many }, () => onAbort(abort.signal, listener));
    await assertQuiet(abort.signal, 1);
    for (const back of takeBack.slice(0, 10)) back();
    takeBack[0]!();
    abort.abort();
    assert.equal(calls, many - 10);
    await assertQuiet(abort.signal, 0);
    const other = new AbortController();
    onAbort(other.signal, listener)();
    await assertQuiet(other.signal, 0);
  });

  it('serves any number of sends with one signal', async () => {
    const abort = new AbortController();
    const sends = Array.from({ length: many }, () => {
      const engine = new FakeEngine();
      engine.isAutomatic = false;
      const route = engine.openRoute({} as never);
      const target = {
        engine,
        route,
        clock: new VirtualClock(),
        protocol: 'http2',
        stopsAtFailure: false,
        gone: null,
      } as const;
      const message = new Message('ab'.repeat(32), { alert: 'hi' });
      return new Send(target, message, checkSendOptions(message, { signal: abort.signal })).run();
    });
    await assertQuiet(abort.signal, 1);
    abort.abort();
    for (const result of await Promise.all(sends)) assert.equal(result.stopped?.code, 'ERR_PEAL_ABORTED');
    await assertQuiet(abort.signal, 0);
  });

  it('serves any number of lists that are read with one signal', async () => {
    const abort = new AbortController();
    const streams = Array.from({ length: many }, () => new Readable({ read() {} }));
    const readings = streams.map((stream) => readTokens(stream, { signal: abort.signal }).next());
    await assertQuiet(abort.signal, 1);
    abort.abort();
    for (const step of await Promise.all(readings)) assert.equal(step.done, true);
    assert.ok(streams.every((stream) => stream.destroyed));
    await assertQuiet(abort.signal, 0);
  });
});
