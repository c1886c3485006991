/** What the shutdown of a session waits for. */
import assert from 'node:assert/strict';
import { shutdownWaitMs } from '../../../src/base/limits.js';
import { OpenSends } from '../../../src/session/send/open-sends.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
};

function deferred(): { readonly promise: Promise<void>; resolve(): void; reject(error: Error): void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((accept, refuse) => {
    resolve = accept;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

describe('OpenSends', () => {
  it('waits for the sends that are open, however they end, and for no later one', async () => {
    const clock = new VirtualClock();
    const sends = new OpenSends();
    await sends.ended(clock);
    const first = deferred();
    const second = deferred();
    const took = assert.rejects(sends.add(first.promise));
    void sends.add(second.promise);
    let isOver = false;
    const ended = sends.ended(clock).then(() => {
      isOver = true;
    });
    void sends.add(new Promise(() => {}));
    first.reject(new Error('the engine cannot be started'));
    await took;
    await turns();
    clock.settle();
    assert.ok(!isOver);
    second.resolve();
    await turns();
    clock.settle();
    await ended;
  });

  it('waits no longer than shutdownWaitMs, because a send may wait for the shutdown itself', async () => {
    const clock = new VirtualClock();
    const sends = new OpenSends();
    const ended = sends.ended(clock);
    await ended;
    void sends.add(new Promise(() => {}));
    const cut = sends.ended(clock);
    clock.advance(shutdownWaitMs);
    await cut;
  });

  it('has streams stop at the shutdown, but for those that have ended', async () => {
    const sends = new OpenSends();
    const stopped: string[] = [];
    const forget = sends.onShutdown(() => stopped.push('first'));
    sends.onShutdown(() => stopped.push('second'));
    forget();
    await sends.shutdown(new VirtualClock());
    assert.deepEqual(stopped, ['second']);
  });
});
