/**
 * A gate for the cost of single sends and of sends of many messages: ratios of CPU time within one run, with wide
 * margins, so that a busy machine fails nothing. Each figure is the least of several runs.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { runContender } from '../../bench/lib/contender-process.js';
import { SinkProcess } from '../../bench/lib/sink-process.js';
import type { Outcome } from '../../bench/macro/contenders/contender.js';
import { APNs, Message, Session } from '../../src/index.js';

const rounds = 3;
const few = 10_000;
const many = 4 * few;
const node = 5_000;

/** About 1 where all is well. Where the cost of each grows with their number, it is 4. */
const mostTimesForMore = 2;
/** Measured: 1.2 to 2. */
const mostTimesForMoreInFlight = 2.5;
/** Measured: a tenth to a sixth. */
const mostOfNode = 0.5;

/** What each costs, in microseconds of CPU time. */
const costs = {
  few: Number.POSITIVE_INFINITY,
  many: Number.POSITIVE_INFINITY,
  in1000: Number.POSITIVE_INFINITY,
  in10000: Number.POSITIVE_INFINITY,
  node: Number.POSITIVE_INFINITY,
};

const tokens = Array.from({ length: 1024 }, () => randomBytes(32).toString('hex'));
let made = 0;

describe('bench: the cost of single sends and of many messages', () => {
  before(async () => {
    await using sink = await SinkProcess.start();
    const { target } = sink;
    const { url, ca, keyFile, keyId, teamId, topic } = target;
    await using session = new Session({ ca, threads: 0 });
    const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));
    const make = (): Message => {
      made += 1;
      return new Message([tokens[made % tokens.length]!], {
        topic,
        alert: `Hello, this is number ${made}`,
        badge: made % 9,
      });
    };
    const sendAll = async (count: number): Promise<void> => {
      const messages = (function* () {
        for (let index = 0; index < count; index++) yield make();
      })();
      assert.equal((await apns.send(messages)).accepted, count);
    };
    const sendSingly = async (count: number, inFlight: number): Promise<void> => {
      let left = count;
      const next = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          assert.equal((await apns.send(make())).accepted, 1);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, next));
    };
    const note = async (name: keyof typeof costs, count: number, send: () => Promise<void>): Promise<void> => {
      const before = process.cpuUsage();
      await send();
      const { user, system } = process.cpuUsage(before);
      costs[name] = Math.min(costs[name], (user + system) / count);
    };
    await sendAll(many);
    await sendSingly(many, 1_000);
    for (let round = 0; round < rounds; round++) {
      await note('few', few, () => sendAll(few));
      await note('many', many, () => sendAll(many));
      await note('in1000', many, () => sendSingly(many, 1_000));
      await note('in10000', many, () => sendSingly(many, 10_000));
      const module = new URL('../../bench/macro/contenders/node-http2.js', import.meta.url);
      const task = { target, count: node, warmUp: 2_000, payloadBytes: 120, threads: 0 };
      const { cpuUs } = await runContender<Outcome>(module, task);
      costs.node = Math.min(costs.node, cpuUs / node);
    }
  });

  it('does not grow with the number of messages', () => {
    const ratio = costs.many / costs.few;
    assert.ok(
      ratio <= mostTimesForMore,
      `each of ${many} costs ${ratio} times each of ${few}: ${JSON.stringify(costs)}`,
    );
  });

  it('does not grow with the number of sends in flight', () => {
    const ratio = costs.in10000 / costs.in1000;
    assert.ok(ratio <= mostTimesForMoreInFlight, `${ratio} times: ${JSON.stringify(costs)}`);
  });

  it('is a part of what node:http2 takes', () => {
    for (const cost of [costs.many, costs.in1000, costs.in10000]) {
      assert.ok(cost / costs.node <= mostOfNode, `${cost / costs.node} of it: ${JSON.stringify(costs)}`);
    }
  });
});
