import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HeaderSets } from '../../src/apns/header-sets.js';
import { checkHeaders, type HeaderOptions } from '../../src/apns/headers.js';
import { pushTypes, topicFor } from '../../src/apns/push-type.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock(1_700_000_000_500);
const id = '01234567-89ab-cdef-0123-456789abcdef';

describe('apns/header-sets', () => {
  const sets = new HeaderSets();
  const check = (options: object, among = sets) => checkHeaders(options as HeaderOptions, 'alert', clock, among);
  const shared = (options: object, among = sets) => check(options, among).set.fields;

  it('gives the same frozen array for equal fields, whatever a message has of its own', () => {
    const topic = 'com.example.app';
    const first = shared({ topic });
    assert.deepEqual(first, [
      ['apns-topic', topic],
      ['apns-push-type', 'alert'],
    ]);
    assert.ok(Object.isFrozen(first) && first.every((field) => Object.isFrozen(field)));
    const own = { priority: 5, expiration: 1_800_000_000, collapseId: 'news', apnsId: id.toUpperCase() };
    for (const options of [{ pushType: 'alert' }, own, { headers: {} }, { headers: undefined }, { priority: 10 }]) {
      assert.equal(shared({ topic, ...options }), first);
    }
    const { set, ...checked } = check({ topic, ...own });
    assert.deepEqual(checked, { ...own, apnsId: id });
    const further = { topic, headers: { 'x-b': '1', 'x-a': '2' } };
    assert.equal(shared({ ...further, ...own }), shared(structuredClone(further)));
    assert.equal(shared({ topic: `${topic}.voip` }), shared({ topic: `${topic}.voip`, pushType: 'voip' }));
    assert.equal(shared({}), shared({ pushType: 'alert' }));
    assert.notEqual(shared({}), first);
  });

  it('gives the same frozen fields for messages that have only a priority of their own', () => {
    const all = (priority?: number) => {
      const { set, ...own } = check({ topic: 'com.example.app', ...(priority && { priority }) });
      return set.with(own);
    };
    assert.equal(all(5), all(5));
    assert.ok(Object.isFrozen(all(5)) && Object.isFrozen(all(5)[2]));
    assert.deepEqual(
      [undefined, 10, 5, 1].map((priority) => all(priority)[2]?.[1]),
      [undefined, '10', '5', '1'],
    );
  });

  it('mixes no fields: whatever was asked before, the answer is that of an empty cache', () => {
    const value = fc.constantFrom('a', 'b', 'a\nx-b\nb', '5', '', ' ', 'none', 'x-b');
    const headers = fc.dictionary(fc.constantFrom('x-a', 'x-b', 'apns-push-type', 'x\ny'), value, { maxKeys: 3 });
    const topics = fc.constantFrom<unknown>('a', '5', 5, null, '', 'a.voip', 'a\nb', 'none', '1\na', [['a']], { a: 1 });
    const options = fc.record(
      {
        topic: topics,
        pushType: fc.constantFrom<unknown>('alert', 'background', 'voip', 'none', null, 'toString'),
        priority: fc.constantFrom<unknown>(10, 5, 1, '5', 2),
        expiration: fc.constantFrom<unknown>(0, 1_800_000_000, 'soon'),
        collapseId: fc.constantFrom<unknown>('a', 'b', ''),
        apnsId: fc.constantFrom<unknown>(id, 'x'),
        headers,
      },
      { requiredKeys: [] },
    );
    const outcome = (one: object, among: HeaderSets) => {
      try {
        const { set, ...own } = check(one, among);
        return { ...own, shared: set.fields, all: set.with(own), topic: set.topic, pushType: set.pushType };
      } catch (error) {
        return (error as Error).message;
      }
    };
    fc.assert(
      fc.property(fc.array(options, { minLength: 1, maxLength: 40 }), (list) => {
        const among = new HeaderSets(8);
        for (const one of list) assert.deepEqual(outcome(one, among), outcome(one, new HeaderSets()));
      }),
    );
  });

  it('is bounded, and keeps what is asked for between new topics', () => {
    const among = new HeaderSets(64);
    const further = (index: number) => ({ topic: 'com.example.app', headers: { 'x-a': String(index) } });
    const hot = shared({ topic: 'com.example.app' }, among);
    const hotFurther = shared(further(0), among);
    const first = shared({ topic: 'com.example.app1' }, among);
    for (let i = 1; i < 1000; i++) {
      shared({ topic: `com.example.app${i}` }, among);
      shared(further(i), among);
      assert.equal(shared({ topic: 'com.example.app' }, among), hot);
      assert.equal(shared(further(0), among), hotFurther);
      assert.ok(among.size <= 64);
    }
    const again = shared({ topic: 'com.example.app1' }, among);
    assert.notEqual(again, first);
    assert.deepEqual(again, first);
  });

  it('keeps one set of a topic for each push type', () => {
    for (const pushType of pushTypes.filter((one) => one !== 'mdm')) {
      const options = { topic: topicFor(pushType, 'com.example.app'), pushType };
      assert.equal(shared(options), shared({ ...options }));
      assert.equal(check(options).set.pushType, pushType);
    }
    const topic = 'com.example.app';
    assert.notEqual(shared({ topic, pushType: 'background' }), shared({ topic, pushType: 'alert' }));
    const own = check({ topic, headers: { 'apns-push-type': 'voip' } }).set;
    assert.deepEqual([own.pushType, own.topic], ['voip', topic]);
    assert.equal(check({ headers: { 'apns-push-type': 'hologram' } }).set.pushType, null);
  });
});
