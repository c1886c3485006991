/** The clock as a time server sees it: how far off it is, and servers that give no time. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { LoopbackTimeServer, type TimeServerOptions } from '../../support/time-server.js';
import { examine, type ShownStep } from './doctor-fixture.js';

async function clockBy(options: TimeServerOptions): Promise<ShownStep & { readonly questions: number }> {
  await using server = await LoopbackTimeServer.open(options);
  const run = await examine(['--time-server', server.name]);
  return { ...run.step('clock'), questions: server.questions };
}

const secondsMs = 1_000;
const dayMs = 86_400_000;

describe('the clock, compared with a time server', () => {
  for (const [what, aheadMs, state, found] of [
    ['is right', 0, 'ok', /^right to \d+ ms, by 127\.0\.0\.1$/],
    ['may be off by seconds', 12 * secondsMs, 'ok', /^1[12]\.\d seconds slow, by 127\.0\.0\.1$/],
    ['that is off by a minute is a warning', -60 * secondsMs, 'warning', /^(?:1 minute|59\.\d seconds) fast, by/],
    [
      'that is off by six minutes is a failure',
      360 * secondsMs,
      'failed',
      /^(?:6 minutes|5 minutes 5\d seconds) slow, by/,
    ],
    ['may be off by years, beyond the era of 2036', 4_000 * dayMs, 'failed', /^(?:4000 days|3999 days 23 hours) slow/],
    ['may be off by years, the other way', -4_000 * dayMs, 'failed', /^(?:4000 days|3999 days 23 hours) fast/],
  ] as const) {
    it(`${what} (${aheadMs} ms)`, async () => {
      const step = await clockBy({ aheadMs });
      assert.equal(step.state, state, step.found);
      assert.match(step.found, found);
      assert.ok(Math.abs((step.details.offsetMs as number) - aheadMs) < secondsMs);
    });
  }

  it('is asked for once more if a datagram is lost', async () => {
    const step = await clockBy({ unanswered: 1 });
    assert.deepEqual([step.state, step.questions], ['ok', 2]);
  });

  it('does not believe an answer to a question that was not asked', async () => {
    const foreign = (): Buffer => {
      const packet = Buffer.alloc(48, 1);
      packet[0] = 0b00_100_100;
      return packet;
    };
    const step = await clockBy({ before: foreign });
    assert.equal(step.state, 'ok');
    const short = await clockBy({ before: () => Buffer.alloc(3) });
    assert.equal(short.state, 'ok');
  });

  it('warns of a named server that refuses, has no time, is silent or not there', async () => {
    const refusing = await clockBy({ stratum: 0 });
    assert.deepEqual(
      [refusing.state, refusing.found],
      ['warning', 'not compared: 127.0.0.1 refuses to be asked (kiss of death)'],
    );
    const ignorant = await clockBy({ stratum: 16 });
    assert.match(ignorant.found, /does not know the time itself$/);
    const silent = await clockBy({ unanswered: 9 });
    assert.deepEqual([silent.state, silent.questions], ['warning', 2]);
    assert.match(silent.found, /gave no answer within 4 seconds \(UDP \d+\)$/);
    const closed = createSocket('udp4').bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address();
    closed.close();
    const gone = (await examine(['--time-server', `127.0.0.1:${port}`])).step('clock');
    assert.equal(gone.state, 'warning');
    assert.match(gone.found, /cannot be asked \(ECONNREFUSED\)$|gave no answer/);
    const nameless = (await examine(['--time-server', 'time.invalid'])).step('clock');
    assert.match(nameless.found, /^not compared: time\.invalid does not resolve/);
  });
});
