import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compactJson, keyGivenTwice, NotPlainError, plainJson } from '../../src/push/plain-json.js';

const refused = (value: unknown, message: RegExp) =>
  assert.throws(
    () => plainJson(value, 'extra'),
    (error: Error) => error instanceof NotPlainError && message.test(error.message),
  );

/** JSON without the one key that is refused. */
const plainValue = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));

describe('push/plain-json', () => {
  it('writes plain data as JSON.stringify does', () => {
    fc.assert(
      fc.property(plainValue, (value) => {
        assert.equal(plainJson(value, 'x'), JSON.stringify(value));
      }),
    );
  });

  it('writes each character as JSON.stringify does, and takes no half of a surrogate pair', () => {
    for (let code = 0; code < 0x10000; code++) {
      const text = `a${String.fromCharCode(code)}z`;
      if (text.isWellFormed()) assert.equal(plainJson(text, 'x'), JSON.stringify(text));
      else refused(text, /holds half of a surrogate pair/);
    }
    assert.equal(plainJson('\u{1f514}', 'x'), JSON.stringify('\u{1f514}'));
  });

  it('leaves out properties that are undefined', () => {
    assert.equal(plainJson({ a: undefined, b: 1 }, 'x'), '{"b":1}');
  });

  it('refuses what is not plain, naming where it stands', () => {
    refused({ a: [1, { b: 5n }] }, /^extra\.a\[1\]\.b is of the type bigint/);
    refused({ a: () => 1 }, /extra\.a is of the type function/);
    refused({ a: Symbol('x') }, /extra\.a is of the type symbol/);
    refused([undefined], /extra\[0\] is of the type undefined/);
    refused(new Array(2), /extra\[0\]/);
    refused({ a: Number.NaN }, /extra\.a is NaN/);
    refused({ a: Number.POSITIVE_INFINITY }, /Infinity/);
    refused(new Date(0), /instance of a class \(Date\)/);
    refused(new Map(), /\(Map\)/);
    refused(Buffer.from('x'), /class/);
    refused('ab\ud800', /surrogate/);
    refused({ 'ab\ud800': 1 }, /surrogate/);
  });

  it('calls nothing of what it is given: neither getters nor toJSON', () => {
    let calls = 0;
    const call = () => ++calls;
    refused(Object.defineProperty({}, 'a', { get: call, enumerable: true }), /extra\.a is a getter/);
    refused(Object.defineProperty([1], '0', { get: call }), /getter/);
    refused({ toJSON: call }, /toJSON/);
    assert.equal(plainJson(Object.create(null, { b: { value: 1, enumerable: true } }), 'x'), '{"b":1}');
    assert.equal(calls, 0);
  });

  it('refuses __proto__ as a key', () => {
    refused(JSON.parse('{"__proto__":{"polluted":true}}'), /__proto__/);
  });

  it('refuses cycles, great depth and great numbers of values, but takes the same object twice', () => {
    const shared = { x: 1 };
    assert.equal(plainJson([shared, shared], 'x'), '[{"x":1},{"x":1}]');
    const cycle: Record<string, unknown> = {};
    cycle.self = { again: cycle };
    refused(cycle, /extra\.self\.again contains itself/);
    let deep: unknown = 1;
    for (let i = 0; i < 65; i++) deep = [deep];
    refused(deep, /64 levels/);
    let wide: unknown = 'x';
    for (let i = 0; i < 40; i++) wide = [wide, wide];
    refused(wide, /10000 values/);
  });

  it('names the place of what it refuses by each step of the way, and of no other value', () => {
    refused(
      { ok: [{ a: 1 }], b: { 'not a name': [0, { c: [[], Number.NaN] }] } },
      /^extra\.b\[…\]\[1\]\.c\[1\] is NaN/,
    );
    refused({ a: { b: 1 }, c: [1], d: { '\udc00': 1 } }, /^extra\.d holds half of a surrogate pair/);
    refused({ a: { b: [1, 2] }, c: { __proto__: null, toJSON: () => 1 } }, /^extra\.c has a method toJSON/);
  });

  it('finds a key that one object has twice, wherever it stands', () => {
    const text = fc.constantFrom('a', '', 'a"', '\\', '":', '{', 'b\\"', '__proto__');
    const value = fc.letrec<{ value: string; object: string; list: string; leaf: string }>((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('object'), tie('list')),
      leaf: fc.oneof(
        text.map((one) => JSON.stringify(one)),
        fc.constantFrom('1', 'null', '-0.5e3'),
      ),
      list: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      object: fc
        .uniqueArray(fc.tuple(text, tie('value')), { maxLength: 4, selector: ([name]) => name })
        .map((members) => `{${members.map(([name, one]) => `${JSON.stringify(name)}:${one}`).join(',')}}`),
    })).value;
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 4 }), text, (values, name) => {
        const key = JSON.stringify(name);
        const once = `{"x":[${values.join(',')}],${key}:{"y":${values[0]}}}`;
        assert.equal(keyGivenTwice(once, JSON.parse(once)), null);
        const twice = `{"x":[${values[1]},{${key}:${values[0]},"z":[1],${key}:0}]}`;
        assert.equal(keyGivenTwice(twice, JSON.parse(twice)), name);
      }),
    );
  });

  it('takes blanks out between values and nowhere else', () => {
    assert.equal(
      compactJson(' { "a b" : [ 1.0 , "\\" c\t\\\\" ] ,\r\n "d":\t12345678901234567890 } '),
      '{"a b":[1.0,"\\" c\t\\\\"],"d":12345678901234567890}',
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(compactJson(JSON.stringify(value, null, 2)), JSON.stringify(value));
      }),
    );
    assert.equal(compactJson(`"${'\\\\'.repeat(300_000)}"`).length, 600_002);
  });
});
