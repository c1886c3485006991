/**
 * A gate for the cost of a bulk send: ratios of CPU time within one run, with margins of four times and more, so that a
 * busy machine fails nothing. Each figure is the least of several runs, because a busy machine adds to some of them.
 */
import assert from 'node:assert/strict';
import { runContender } from '../../bench/lib/contender-process.js';
import { SinkProcess } from '../../bench/lib/sink-process.js';
import type { Outcome } from '../../bench/macro/contenders/contender.js';
import { leastCpuMs } from '../support/cpu-time.js';

const rounds = 3;
const payloadBytes = 120;
/** HEADERS and DATA of one notification with such a payload. */
const requestBytes = 223;
const few = 50_000;
const many = 4 * few;
const node = 5_000;

/** Measured: 60 to 150. */
const leastTimesCheaperThanNode = 15;
/** Measured: 20 to 45. */
const mostTimesACopy = 150;

describe('bench: the cost of a bulk send', () => {
  /** The least CPU time of all rounds, in microseconds. */
  const costs = { few: Number.POSITIVE_INFINITY, many: Number.POSITIVE_INFINITY, node: Number.POSITIVE_INFINITY };

  before(async () => {
    await using sink = await SinkProcess.start();
    const { target } = sink;
    const cost = async (module: string, count: number, warmUp: number): Promise<number> => {
      const url = new URL(`../../bench/macro/contenders/${module}`, import.meta.url);
      const task = { target, count, warmUp, payloadBytes, threads: 0 };
      const { accepted, cpuUs } = await runContender<Outcome>(url, task);
      assert.equal(accepted, count);
      return cpuUs;
    };
    for (let round = 0; round < rounds; round++) {
      costs.few = Math.min(costs.few, await cost('peal.js', few, 40_000));
      costs.many = Math.min(costs.many, await cost('peal.js', many, 40_000));
      costs.node = Math.min(costs.node, await cost('node-http2.js', node, 2_000));
    }
  });

  it('is a small part of what node:http2 takes', () => {
    const ratio = costs.node / node / (costs.many / many);
    assert.ok(ratio >= leastTimesCheaperThanNode, `only ${ratio} times cheaper`);
  });

  it('is no more than some copies of the same bytes', () => {
    const from = Buffer.alloc(requestBytes * many, 1);
    const to = Buffer.alloc(from.length);
    const copyUs = leastCpuMs(() => from.copy(to)) * 1000;
    assert.ok(copyUs > 0);
    assert.ok(costs.many / copyUs <= mostTimesACopy, `as much as ${costs.many / copyUs} copies`);
  });

  it('grows with the number of recipients only, not with its square', () => {
    const ratio = costs.many / costs.few;
    assert.ok(ratio > 1.2 && ratio < 8, `four times the recipients cost ${ratio} times as much`);
  });
});
