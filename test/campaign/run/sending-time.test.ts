/** The time of a run without its waits. */
import assert from 'node:assert/strict';
import type { Clock } from '../../../src/base/clock.js';
import { SendingTime } from '../../../src/campaign/run/sending-time.js';

describe('the sending time of a run', () => {
  let nowMs = 5000;
  const clock = { now: () => nowMs } as Clock;

  it('leaves waits out, also those that overlap', () => {
    const time = new SendingTime(clock);
    nowMs += 1000;
    time.begin('pause');
    nowMs += 10_000;
    time.begin('canary', 'It asks.');
    assert.deepEqual([time.isWaiting, time.why, time.seconds], [true, 'It asks.', 1]);
    time.end('pause');
    nowMs += 10_000;
    time.end('pause');
    assert.equal(time.seconds, 1);
    time.end('canary');
    nowMs += 500;
    assert.deepEqual([time.isWaiting, time.why, time.seconds], [false, null, 1.5]);
    time.end('start');
    assert.equal(time.seconds, 1.5);
  });

  it('goes on in a wait up to the last answer of what was handed out before', () => {
    const time = new SendingTime(clock);
    nowMs += 1000;
    time.noteAnswers();
    time.begin('hours', 'They wait.');
    nowMs += 300;
    time.noteAnswers();
    nowMs += 200;
    time.noteAnswers();
    assert.equal(time.seconds, 1.5);
    nowMs += 60_000;
    assert.equal(time.seconds, 1.5);
    time.end('hours');
    nowMs += 500;
    time.noteAnswers();
    assert.equal(time.seconds, 2);
  });
});
