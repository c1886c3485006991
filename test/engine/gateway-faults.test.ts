/**
 * What becomes of a whole send where the gateway misbehaves for ever, or for a while: who is brought to an end, who
 * pays for it, how many connections and requests it takes, and how long. On virtual time, from the dispatcher to the
 * frames.
 */
import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import {
  connectStaggerMs,
  connectTimeoutMs,
  maxConnectAttempts,
  maxConnectBackoffMs,
  maxOutageMs,
  maxRefusalPauseMs,
  maxRefusedStreams,
  maxTransientPauseMs,
  maxUnavailableMs,
  minShortLifeWaitMs,
  requestTimeoutMs,
  shareAfterDeath,
  startRequests,
  successorWaitMs,
  unprovenRequests,
} from '../../src/base/limits.js';
import * as frames from '../../src/codec/http2/frames.js';
import type { GatewayScript, ScriptedGateway } from '../support/scripted-gateway.js';
import { type SendBenchOptions, type SendEnd, sendAll } from '../support/send-bench.js';

const refused = new PealError('ERR_PEAL_CONNECT', 'refused.', { origin: 'connect', retryable: true });
const noTls = new PealError('ERR_PEAL_TLS', 'TLS failed.', { origin: 'connect', retryable: false });
const noCertificate = new PealError('ERR_PEAL_TLS', 'revoked.', { origin: 'credential', retryable: false });
/** Trials that a pause which doubles up to a minute leaves room for in maxUnavailableMs, and some over. */
const fewTrials = 20;

type Request = (gateway: ScriptedGateway, id: number, index: number) => void;

function answering(onRequest: Request): GatewayScript {
  return { onRequest };
}

function assertWithin(value: number, least: number, most: number, what: string): void {
  assert.ok(value >= least && value <= most, `${what}: ${value}, not ${least} to ${most}`);
}

function counts({ book }: SendEnd): Record<string, number> {
  const { accepted, rejected, unsent, unknown } = book.tally;
  return { accepted, rejected, unsent, unknown };
}

/** Answers `served` requests of each connection, and then does something else. */
function serving(served: number, then: (gateway: ScriptedGateway, lastId: number) => void): () => GatewayScript {
  return () => {
    let answers = 0;
    let lastId = 0;
    let isOver = false;
    return answering((gateway, id) => {
      if (isOver) return;
      if (answers === served) {
        isOver = true;
        then(gateway, lastId);
        return;
      }
      answers += 1;
      lastId = id;
      gateway.accept(id);
    });
  };
}

describe('a send to a gateway that', () => {
  describe('sends each connection away after n requests', () => {
    for (const [n, recipients] of [
      [1, 150],
      [2, 300],
      [7, 1_000],
      [50, 5_000],
      [90, 5_000],
      [91, 5_000],
    ] as const) {
      it(`brings all to an end, n = ${n}`, async () => {
        const goaway = serving(n, (gateway, lastId) => gateway.goaway(lastId));
        const end = await sendAll(recipients, { script: goaway });
        assert.deepEqual(counts(end), { accepted: recipients, rejected: 0, unsent: 0, unknown: 0 });
        assert.equal(end.stopped, null);
        const connections = end.attemptsAtMs.length;
        assert.ok(connections <= recipients / n + 10, `${connections} connections`);
        // Each wait is anything up to this, so that all of them come to half of it.
        const longestWaitMs = Math.min(minShortLifeWaitMs, successorWaitMs / n) + connectStaggerMs / 2;
        assert.ok(end.ms <= 0.6 * connections * longestWaitMs + 5_000, `${end.ms} ms for ${connections} connections`);
        assert.ok(end.requests <= 2.1 * recipients + 1_000, `${end.requests} requests`);
      });
    }

    it('brings all to an end where n changes with each connection', async () => {
      let made = 0;
      const next = (): GatewayScript => serving([1, 400, 3, 40][made++ % 4]!, (it, last) => it.goaway(last))();
      const end = await sendAll(5_000, { script: next });
      assert.deepEqual(counts(end), { accepted: 5_000, rejected: 0, unsent: 0, unknown: 0 });
    });

    it('brings all to an end over several threads', async () => {
      const goaway = serving(20, (gateway, lastId) => gateway.goaway(lastId));
      const end = await sendAll(2_000, { script: goaway, threads: 2 });
      assert.deepEqual(counts(end), { accepted: 2_000, rejected: 0, unsent: 0, unknown: 0 });
    });
  });

  describe('allows fewer requests at a time than it says, and refuses the others', () => {
    for (const [most, recipients] of [
      [1, 500],
      [5, 1_500],
      [300, 10_000],
    ] as const) {
      it(`brings all to an end, ${most} at a time`, async () => {
        const script = (_n: number, _ms: number, clock: { setTimer(run: () => void, ms: number): unknown }) => {
          let open = 0;
          return answering((gateway, id) => {
            if (open === most) {
              gateway.reset(id, frames.REFUSED_STREAM);
              return;
            }
            open += 1;
            clock.setTimer(() => {
              open -= 1;
              gateway.accept(id);
            }, 20);
          });
        };
        const end = await sendAll(recipients, { script, maxConnections: 1 });
        assert.deepEqual(counts(end), { accepted: recipients, rejected: 0, unsent: 0, unknown: 0 });
        assert.ok(end.requests <= 20 * recipients, `${end.requests} requests`);
      });
    }
  });

  describe('refuses the streams of a few, each time, and serves the others', () => {
    for (const few of [1, 3, 8]) {
      it(`leaves those unsent, and is given up for nobody else, ${few} of them`, async () => {
        const script = (): GatewayScript =>
          answering((gateway, id, index) => {
            if (index < few) gateway.reset(id, frames.REFUSED_STREAM);
            else gateway.accept(id);
          });
        // The others come later, as from a slow list.
        const late = { afterMs: 2 * maxUnavailableMs, recipients: 500 };
        const end = await sendAll(500, { script, late });
        assert.equal(end.stopped, null);
        assert.deepEqual(counts(end), { accepted: 1_000 - few, rejected: 0, unsent: few, unknown: 0 });
        assert.ok(end.requests <= 1_000 + few * (maxRefusedStreams + 1), `${end.requests} requests`);
      });
    }
  });

  describe('resets every request', () => {
    for (const [name, code] of [
      ['NO_ERROR', frames.NO_ERROR],
      ['INTERNAL_ERROR', frames.INTERNAL_ERROR],
      ['CANCEL', frames.CANCEL],
      ['ENHANCE_YOUR_CALM', frames.ENHANCE_YOUR_CALM],
    ] as const) {
      it(`costs a handful, and is given up after five minutes with the rest unsent: ${name}`, async () => {
        const script = (): GatewayScript => answering((gateway, id) => gateway.reset(id, code));
        const end = await sendAll(10_000, { script });
        assert.equal(end.stopped?.code, 'ERR_PEAL_UNAVAILABLE');
        assert.match(end.stopped.message, /For 5 minutes .* has left requests without an answer \(it resets/);
        assertWithin(end.ms, maxUnavailableMs, maxUnavailableMs + 2 * maxTransientPauseMs, 'time');
        const { unknown, unsent } = counts(end);
        assertWithin(unknown!, 1, unprovenRequests + fewTrials, 'unknown');
        assert.equal(unsent, 10_000 - unknown!);
      });
    }

    it('from some time on costs what was in flight then, and a handful', async () => {
      let answered = 0;
      const streams = [[frames.SETTINGS_MAX_CONCURRENT_STREAMS, 200]] as const;
      const script = (): GatewayScript => ({
        settings: streams,
        onRequest: (gateway, id) => {
          if (++answered <= 5_000) gateway.accept(id);
          else gateway.reset(id, frames.INTERNAL_ERROR);
        },
      });
      const end = await sendAll(20_000, { script, maxConnections: 2 });
      assert.equal(end.stopped?.code, 'ERR_PEAL_UNAVAILABLE');
      assert.equal(counts(end).accepted, 5_000);
      assertWithin(counts(end).unknown!, 1, 2 * 200 + fewTrials, 'unknown');
    });

    it('is asked again until it answers: the send goes on', async () => {
      const script = (_n: number, _ms: number, clock: { now(): number }): GatewayScript =>
        answering((gateway, id) => {
          if (clock.now() < 40_000) gateway.reset(id, frames.INTERNAL_ERROR);
          else gateway.accept(id);
        });
      const end = await sendAll(5_000, { script });
      assert.equal(end.stopped, null);
      assertWithin(counts(end).unknown!, 1, unprovenRequests + fewTrials, 'unknown');
      assert.equal(counts(end).unsent, 0);
      assert.ok(end.ms < 120_000);
    });
  });

  describe('resets some requests and answers the others', () => {
    const bad: readonly [string, (index: number) => boolean][] = [
      ['one of a hundred', (index) => index % 100 === 7],
      ['one of six', (index) => index % 6 === 3],
      ['forty in a row', (index) => index >= 500 && index < 540],
    ];
    for (const [name, isBad] of bad) {
      it(`is not given up: ${name}`, async () => {
        const script = (): GatewayScript =>
          answering((gateway, id, index) => {
            if (isBad(index)) gateway.reset(id, frames.INTERNAL_ERROR);
            else gateway.accept(id);
          });
        const end = await sendAll(5_000, { script });
        const lost = Array.from({ length: 5_000 }, (_, index) => index).filter(isBad).length;
        assert.equal(end.stopped, null);
        assert.deepEqual(counts(end), { accepted: 5_000 - lost, rejected: 0, unsent: 0, unknown: lost });
        assert.ok(end.ms < 60_000, `${end.ms} ms`);
      });
    }
  });

  describe('resets more than answers make up for', () => {
    it('is asked ever less, and given up after five minutes with most of the list unsent', async () => {
      const script = (): GatewayScript =>
        answering((gateway, id, index) => {
          if (index % 2 === 0) gateway.reset(id, frames.INTERNAL_ERROR);
          else gateway.accept(id);
        });
      const end = await sendAll(5_000, { script });
      assert.equal(end.stopped?.code, 'ERR_PEAL_UNAVAILABLE');
      assertWithin(end.ms, maxUnavailableMs, maxUnavailableMs + 2 * maxTransientPauseMs, 'time');
      assertWithin(counts(end).unknown!, 1, 2 * startRequests + fewTrials, 'unknown');
    });
  });

  describe('drops each connection after a few answers', () => {
    for (const [n, recipients] of [
      [1, 2_000],
      [3, 2_000],
      [7, 2_000],
    ] as const) {
      it(`costs a first handful, and is given up: n = ${n}`, async () => {
        const drops = serving(n, (gateway) => gateway.stream.destroy());
        const end = await sendAll(recipients, { script: drops, maxConnections: 1 });
        assert.equal(end.stopped?.code, 'ERR_PEAL_UNAVAILABLE');
        assert.match(end.stopped.message, /left requests without an answer .*its connections die/);
        assertWithin(end.ms, maxUnavailableMs, maxUnavailableMs + 2 * maxConnectBackoffMs, 'time');
        assertWithin(counts(end).unknown!, 1, startRequests + n + fewTrials, 'unknown');
        assert.ok(counts(end).unsent! > 0);
      });
    }

    for (const [n, recipients] of [
      [30, 2_000],
      [100, 5_000],
      [500, 10_000],
    ] as const) {
      it(`goes on where answers make up for it, and costs a tenth of those at most: n = ${n}`, async () => {
        const drops = serving(n, (gateway) => gateway.stream.destroy());
        const end = await sendAll(recipients, { script: drops, maxConnections: 1 });
        assert.equal(end.stopped, null);
        assert.equal(counts(end).unsent, 0);
        const { unknown, accepted } = counts(end);
        // The first has lost what was in flight: what it began with, and one more for each answer.
        assert.ok(unknown! <= startRequests + n + accepted! * shareAfterDeath, `${unknown} unknown`);
      });
    }

    it('once, as one that is killed, costs what was in flight and no time', async () => {
      const script = (n: number): GatewayScript =>
        n === 0 ? serving(5_000, (gateway) => gateway.stream.destroy())() : {};
      const end = await sendAll(20_000, { script, maxConnections: 1 });
      assert.equal(end.stopped, null);
      assertWithin(counts(end).unknown!, 1, 1_000, 'unknown');
      assert.ok(end.ms < 3_000, `${end.ms} ms`);
    });
  });

  describe('brings nobody to an end, for ever', () => {
    const mostMs = maxUnavailableMs + maxRefusalPauseMs + 5_000;

    it('refusing each stream, is given up after five minutes, with all unsent', async () => {
      const script = (): GatewayScript => answering((gateway, id) => gateway.reset(id, frames.REFUSED_STREAM));
      const end = await sendAll(5_000, { script });
      assert.equal(end.stopped?.code, 'ERR_PEAL_UNAVAILABLE');
      assert.match(end.stopped.message, /For 5 minutes .* has refused every request .*REFUSED_STREAM/);
      assertWithin(end.ms, maxUnavailableMs, mostMs, 'time');
      assert.deepEqual(counts(end), { accepted: 0, rejected: 0, unsent: 5_000, unknown: 0 });
      assert.ok(end.requests < 10 * (mostMs / 1_000), `${end.requests} requests`);
    });

    it('having answered half of the list before it refuses each stream, is given up as well', async () => {
      let answered = 0;
      const script = (): GatewayScript =>
        answering((gateway, id) => {
          if (++answered <= 5_000) gateway.accept(id);
          else gateway.reset(id, frames.REFUSED_STREAM);
        });
      const end = await sendAll(10_000, { script, threads: 2 });
      assert.equal(end.stopped?.code, 'ERR_PEAL_UNAVAILABLE');
      assertWithin(end.ms, maxUnavailableMs, mostMs, 'time');
      assert.deepEqual(counts(end), { accepted: 5_000, rejected: 0, unsent: 5_000, unknown: 0 });
    });

    const quiet: readonly [string, GatewayScript, RegExp][] = [
      [
        'giving no window for any body',
        { settings: [[frames.SETTINGS_INITIAL_WINDOW_SIZE, 0]], onRequest: () => {} },
        /gave no window for the rest of a request for 60000 ms/,
      ],
      [
        'allowing no stream',
        { settings: [[frames.SETTINGS_MAX_CONCURRENT_STREAMS, 0]] },
        /allowed no request for 60000 ms \(its stream limit or its window is 0\)/,
      ],
      ['sending no SETTINGS', { settings: null }, /sent no HTTP\/2 SETTINGS/],
      ['saying GOAWAY to each connection', { onConnect: (gateway) => gateway.goaway(0) }, /GOAWAY/],
    ];
    for (const [what, script, message] of quiet) {
      it(`${what}, is given up, with all unsent and the reason`, async () => {
        const end = await sendAll(3_000, { script: () => script });
        assert.notEqual(end.stopped, null);
        assert.match(end.stopped!.message, message);
        // What is in flight when it is given up has its own time.
        assert.ok(end.ms <= mostMs + requestTimeoutMs, `${end.ms} ms`);
        assert.deepEqual(counts(end), { accepted: 0, rejected: 0, unsent: 3_000, unknown: 0 });
      });
    }
  });

  describe('had answered, and is away for a while', () => {
    const away: readonly [string, () => GatewayScript | PealError][] = [
      ['refuses connections', () => refused],
      ['fails TLS', () => noTls],
      ['takes connections and drops them', () => ({ onConnect: (gateway) => gateway.stream.destroy() })],
      ['drops connections at the first request', () => answering((gateway) => gateway.stream.destroy())],
      ['says GOAWAY(0) to each', () => ({ onConnect: (gateway) => gateway.goaway(0) })],
      ['sends no SETTINGS', () => ({ settings: null })],
    ];
    /** Answers 5,000, then is away as told until `untilMs` after that. */
    function awayFor(ms: number, how: () => GatewayScript | PealError): SendBenchOptions {
      let answered = 0;
      let sinceMs: number | null = null;
      return {
        maxConnections: 1,
        script: (_n, nowMs, clock) => {
          if (sinceMs !== null && nowMs < sinceMs + ms) return how();
          return answering((gateway, id) => {
            if (++answered === 5_000) {
              sinceMs = clock.now();
              gateway.stream.destroy();
            } else {
              gateway.accept(id);
            }
          });
        },
      };
    }

    for (const [what, how] of away) {
      it(`for ${maxOutageMs / 2000} s: the send goes on; it ${what}`, async () => {
        const end = await sendAll(10_000, awayFor(maxOutageMs / 2, how));
        assert.equal(end.stopped, null);
        assert.equal(counts(end).unsent, 0);
        assertWithin(counts(end).unknown!, 0, 1_000 + unprovenRequests + fewTrials, 'unknown');
      });

      it(`for good: it is given up after ${maxOutageMs / 1000} s; it ${what}`, async () => {
        const end = await sendAll(10_000, awayFor(Number.POSITIVE_INFINITY, how));
        assert.notEqual(end.stopped, null);
        // The wait that is on when the time is over has doubled to as much again.
        assertWithin(end.ms, maxOutageMs, 2 * maxOutageMs + connectTimeoutMs, 'time');
        assertWithin(counts(end).unknown!, 0, 1_000 + unprovenRequests + fewTrials, 'unknown');
        assert.ok(counts(end).unsent! > 3_000);
      });
    }
  });

  describe('had answered, and then refuses the client certificate', () => {
    it('is given up at once', async () => {
      let answered = 0;
      const script = (): GatewayScript | PealError =>
        answered >= 5_000
          ? noCertificate
          : answering((gateway, id) => (++answered > 5_000 ? gateway.stream.destroy() : gateway.accept(id)));
      const end = await sendAll(10_000, { script, maxConnections: 1 });
      assert.equal(end.stopped?.origin, 'credential');
      assert.ok(end.ms < 2_000, `${end.ms} ms`);
    });
  });

  describe('gets no thread any further', () => {
    const fiveMinutes = [maxUnavailableMs, maxUnavailableMs + 2 * maxTransientPauseMs] as const;
    // Three attempts to connect, each of up to ten seconds where nobody answers, with waits of up to one and two
    // seconds.
    const attempts = [0, maxConnectAttempts * (connectTimeoutMs + 1_000)] as const;
    const faults: readonly [string, readonly [number, number], () => GatewayScript | PealError][] = [
      ['sends no SETTINGS', attempts, () => ({ settings: null })],
      ['refuses connections', attempts, () => refused],
      ['answers 503 for ever', fiveMinutes, () => answering((gateway, id) => gateway.reject(id, 503, '{}'))],
      ['resets every request', fiveMinutes, () => answering((gateway, id) => gateway.reset(id, frames.CANCEL))],
      ['refuses every stream', fiveMinutes, () => answering((gateway, id) => gateway.reset(id, frames.REFUSED_STREAM))],
      ['drops connections after 3 answers', fiveMinutes, serving(3, (gateway) => gateway.stream.destroy())],
      ['drops connections after 5 answers', fiveMinutes, serving(5, (gateway) => gateway.stream.destroy())],
    ];
    for (const [what, [leastMs, mostMs], script] of faults) {
      it(`is given up within the same time with any number of threads: it ${what}`, async () => {
        for (const threads of [0, 1, 2, 4, 8]) {
          const end = await sendAll(5_000, { script, threads }, { retry: { attempts: 3, timeMs: 60_000 } });
          assert.notEqual(end.stopped, null, `${threads} threads`);
          assertWithin(end.ms, leastMs, mostMs, `time with ${threads} threads`);
          assert.ok(counts(end).unsent! >= 3_000, `${counts(end).unsent} unsent with ${threads} threads`);
        }
      });
    }

    it('is given up as soon for a single recipient: it sends no SETTINGS', async () => {
      const end = await sendAll(1, { script: () => ({ settings: null }), threads: 4 });
      assert.notEqual(end.stopped, null);
      assertWithin(end.ms, ...attempts, 'time');
    });
  });
});
