/**
 * Payloads: plain data only, serialised once, nothing of the program's is run, nothing of it ends up as another key.
 */
import assert from 'node:assert/strict';
import { Message } from '../../src/index.js';

const topic = 'com.example.app';
const refuse = (payload: unknown, why: RegExp): void => {
  assert.throws(() => new Message([], { topic, payload: payload as never }), {
    code: 'ERR_PEAL_PAYLOAD',
    message: why,
  });
  assert.throws(() => new Message([], { topic, alert: 'x', extra: { inner: payload } as never }), {
    code: 'ERR_PEAL_PAYLOAD',
  });
};

describe('security: a payload is made of plain data, and of nothing else', () => {
  it('payload: neither getters nor toJSON are called', () => {
    let calls = 0;
    const spy = { get value() { return ++calls; } }; // biome-ignore format: one line
    refuse(spy, /getter/);
    refuse({ toJSON: () => ++calls }, /toJSON/);
    refuse({ date: new Date() }, /instance of a class \(Date\)/);
    assert.equal(calls, 0);
  });

  it('payload: BigInt, functions, symbols, NaN, instances and cycles are refused', () => {
    const cycle: { self?: object } = {};
    cycle.self = cycle;
    for (const value of [1n, () => 1, Symbol('x'), Number.NaN, new Map(), Buffer.from('x')]) refuse({ value }, /value/);
    refuse(cycle, /contains itself/);
  });

  it('payload: __proto__ is no key, neither as data nor by merging, and prototypes stay as they are', () => {
    refuse(JSON.parse('{"__proto__":{"polluted":1}}'), /__proto__/);
    const made = new Message([], {
      topic,
      alert: 'x',
      extra: JSON.parse('{"constructor":{"prototype":{"polluted":1}}}'),
    });
    assert.deepEqual(JSON.parse(made.payload), { aps: { alert: 'x' }, constructor: { prototype: { polluted: 1 } } });
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });

  it('payload: text cannot break out of its string', () => {
    const alert = '"},"aps":{"alert":"other"},"x":"\\\u0000\u2028';
    const { payload } = new Message([], { topic, alert });
    assert.deepEqual(JSON.parse(payload), { aps: { alert } });
  });

  it('payload: its size counts in bytes, not in characters', () => {
    const frame = '{"aps":{"alert":""}}'.length;
    assert.ok(new Message([], { topic, alert: 'é'.repeat((4096 - frame) / 2) }));
    assert.throws(() => new Message([], { topic, alert: 'é'.repeat((4096 - frame) / 2 + 1) }), {
      code: 'ERR_PEAL_PAYLOAD',
    });
  });
});
