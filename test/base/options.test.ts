import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import { nearestName } from '../../src/base/nearest-name.js';
import {
  anyOf,
  callback,
  checkOptions,
  choice,
  decimal,
  filledText,
  flag,
  list,
  type OptionRules,
  objectOf,
  test as rule,
  text,
  unchecked,
  whole,
} from '../../src/base/options.js';

const rules: OptionRules = {
  threads: anyOf(choice('auto'), whole(0, 64)),
  share: anyOf(choice(false), decimal(0, 1)),
  threadId: text(10),
  name: filledText(10),
  flush: flag,
  onProgress: callback,
  anything: unchecked,
  pins: list(filledText(5)),
  afterStop: choice('leave', 'unsent'),
  retry: anyOf(choice(false), objectOf({ attempts: whole(1, 100), timeMs: whole(0, 1000) })),
  when: rule('a Date', (value) => value instanceof Date),
};
const hints = { body: 'write alert: { body }.' };

function refusal(options: unknown): string {
  try {
    checkOptions({ name: 'Session', hints }, options, rules);
  } catch (error) {
    assert.ok(error instanceof PealError);
    assert.equal(error.code, 'ERR_PEAL_OPTION');
    return error.message;
  }
  return 'accepted';
}

describe('checkOptions', () => {
  it('takes what fits, and undefined for not given', () => {
    for (const right of [
      {},
      { threads: 'auto', share: false, threadId: '', name: 'x', flush: true, onProgress: () => 0, anything: null },
      { threads: 0, share: 0.5, pins: ['a', 'b'], afterStop: 'leave', retry: { attempts: 1 }, when: new Date(0) },
      { threads: undefined, retry: { attempts: undefined } },
      Object.create({ inherited: 1 }) as object,
    ]) {
      assert.equal(refusal(right), 'accepted');
    }
  });

  const wrong: readonly (readonly [options: unknown, message: string])[] = [
    [null, 'Session takes its options as an object, not null.'],
    [[], 'Session takes its options as an object, not a list.'],
    [{ threads: 65 }, "The option threads must be 'auto' or a whole number from 0 to 64, not 65."],
    [{ threads: 1.5 }, "The option threads must be 'auto' or a whole number from 0 to 64, not 1.5."],
    [{ share: Number.NaN }, 'The option share must be false or a number from 0 to 1, not NaN.'],
    [{ threadId: 7 }, 'The option threadId must be text of at most 10 characters, not 7.'],
    [{ name: '' }, 'The option name must be text of 1 to 10 characters, but is empty.'],
    [{ name: '  ' }, 'The option name must be text of 1 to 10 characters, not "  ".'],
    [{ flush: 'perhaps' }, 'The option flush must be true or false, not "perhaps".'],
    [{ onProgress: 1 }, 'The option onProgress must be a function, not 1.'],
    [{ pins: [] }, 'The option pins must be a list with something in it, not a list.'],
    [{ pins: ['a', ''] }, 'The option pins[1] must be text of 1 to 5 characters, but is empty.'],
    [{ afterStop: 'go' }, "The option afterStop must be 'leave' or 'unsent', not \"go\"."],
    [{ retry: { attempts: 0 } }, 'The option retry.attempts must be a whole number from 1 to 100, not 0.'],
    [{ retry: true }, 'The option retry must be false or an object { attempts, timeMs }, not true.'],
    [{ retry: { attempt: 2 } }, 'The option retry has no option "attempt": did you mean attempts?'],
    [{ when: 5 }, 'The option when must be a Date, not 5.'],
  ];
  for (const [options, message] of wrong) it(message, () => assert.equal(refusal(options), message));

  it('refuses names it does not know, and says which was meant', () => {
    assert.equal(refusal({ 'thread-id': 'x' }), 'Session has no option "thread-id": write threadId.');
    assert.equal(refusal({ thread_id: 'x' }), 'Session has no option "thread_id": write threadId.');
    assert.equal(refusal({ ThreadID: undefined }), 'Session has no option "ThreadID": write threadId.');
    assert.equal(refusal({ thraeds: 1 }), 'Session has no option "thraeds": did you mean threads?');
    assert.equal(refusal({ Body: 'x' }), 'Session has no option "Body": write alert: { body }.');
    assert.match(refusal({ zzz: 1 }), /^Session has no option "zzz": it knows threads, share, .*when\.$/);
    assert.match(refusal({ toString: 1, constructor: 2 }), /no option "toString"/);
    assert.match(refusal(JSON.parse('{"__proto__": 1}')), /no option "__proto__"/);
  });

  it('shows of a wrong value no more than forty characters, and none that acts on a terminal', () => {
    assert.match(refusal({ flush: 'x'.repeat(500) }), /"x{39}…"/);
    assert.match(refusal({ flush: '\u001b[2J' }), /"\\u\{1b\}\[2J"/);
  });
});

describe('nearestName', () => {
  const known = ['token', 'payload', 'apnsId', 'collapseId', 'expiration', 'splitStatus'];
  const cases: readonly (readonly [string, string | null])[] = [
    ['collapse-id', 'collapseId'],
    ['apns-collapse-id', 'collapseId'],
    ['apns-id', 'apnsId'],
    ['COLLAPSE_ID', 'collapseId'],
    ['colapseId', 'collapseId'],
    ['splitStaus', 'splitStatus'],
    ['expiraton', 'expiration'],
    ['paylaod', 'payload'],
    ['tokens', 'token'],
    ['x', null],
    ['', null],
    ['title', null],
    ['x'.repeat(1000), null],
  ];
  for (const [name, nearest] of cases) {
    it(`${name.slice(0, 20)} → ${nearest}`, () => assert.equal(nearestName(name, known), nearest));
  }
});
