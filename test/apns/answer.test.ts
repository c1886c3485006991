import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseAnswerBody } from '../../src/apns/answer.js';
import { maxReasonCharacters, maxResponseBodyBytes } from '../../src/base/limits.js';

const parse = (text: string) => parseAnswerBody(new TextEncoder().encode(text));

describe('apns/answer', () => {
  it('reads the reason, and the timestamp of a token that is gone', () => {
    assert.deepEqual(parse('{"reason":"BadDeviceToken"}'), { reason: 'BadDeviceToken', timestampMs: null });
    assert.deepEqual(parse('{"reason":"Unregistered","timestamp":1700000000000}'), {
      reason: 'Unregistered',
      timestampMs: 1_700_000_000_000,
    });
  });

  it('keeps reasons that it does not know as text', () => {
    assert.equal(parse('{"reason":"BrandNewReason"}').reason, 'BrandNewReason');
  });

  it('keeps the text of a body that is no JSON, or JSON without a reason', () => {
    assert.equal(parse('502 Bad Gateway\n').reason, '502 Bad Gateway');
    assert.equal(parse('\n<html>502 Bad Gateway</html>\n').reason, '');
    for (const reason of ['7', 'null', 'true', '{"a":1}'])
      assert.equal(parse(`{"reason":${reason}}`).reason, '', reason);
    assert.deepEqual(parse('\ufeff{"reason":"Unregistered","timestamp":1700000000000}'), {
      reason: 'Unregistered',
      timestampMs: 1_700_000_000_000,
    });
    assert.equal(parse('\ufeffBad things').reason, 'Bad things');
    assert.equal(parse('[]').reason, '[]');
    assert.equal(parse('null').reason, 'null');
    assert.equal(parse('').reason, '');
  });

  it('drops timestamps that cannot be', () => {
    for (const timestamp of [
      '1700000000',
      '-1',
      '1e300',
      '"1700000000000"',
      '1700000000000.5',
      '5000000000000',
      'null',
    ]) {
      assert.equal(parse(`{"reason":"Unregistered","timestamp":${timestamp}}`).timestampMs, null, timestamp);
    }
  });

  it('removes what acts on terminals and logs', () => {
    assert.equal(parse('{"reason":"Bad\\u001b[2J\\r\\nDevice\\u202eToken"}').reason, 'Bad[2JDeviceToken');
  });

  it('reads a view into a larger buffer', () => {
    const buffer = new TextEncoder().encode('xx{"reason":"BadTopic"}yy');
    assert.equal(parseAnswerBody(buffer.subarray(2, buffer.length - 2)).reason, 'BadTopic');
  });

  it('bounds what it looks at and what it keeps', () => {
    const long = `{"reason":"${'x'.repeat(maxResponseBodyBytes)}"}`;
    assert.ok(parse(long).reason.length <= maxReasonCharacters);
    assert.equal(parse(`{"reason":"${'x'.repeat(500)}"}`).reason.length, maxReasonCharacters);
  });

  it('reads what an object that was cut off says at its beginning, and takes nothing else of it for a reason', () => {
    const rest = 'x'.repeat(maxResponseBodyBytes);
    assert.equal(parse(`{"reason":"BadTopic","pad":"${rest}"}`).reason, 'BadTopic');
    assert.deepEqual(parse(`{"timestamp":1700000000000,"reason":"Unregistered","pad":"${rest}`), {
      reason: 'Unregistered',
      timestampMs: 1_700_000_000_000,
    });
    assert.equal(parse(`{"pad":"${rest}","reason":"BadTopic"}`).reason, '');
    assert.equal(parse(`{"reason":"Bad`).reason, '');
    assert.equal(parse(`<html>${rest}`).reason, '');
    assert.equal(parse(`too many: ${rest}`).reason.slice(0, 12), 'too many: xx');
  });

  it('shortens what looks like a token, also at each place where the text may be cut', () => {
    const token = 'c0ffee12'.repeat(8);
    const jwt = `eyJ${'hbGciOiJFUzI1NiJ9'.repeat(2)}.eyJ${'pc3MiOiJURUFNSUQifQ'.repeat(3)}.${'x'.repeat(86)}`;
    for (let before = 0; before < 3 * maxReasonCharacters; before++) {
      for (const echoed of [token, jwt]) {
        for (const lead of ['-'.repeat(before), `${jwt} ${'-'.repeat(before)}`]) {
          const { reason } = parse(`{"reason":"${lead} ${echoed}"}`);
          assert.doesNotMatch(reason, /c0ffee12|eyJ\w{3}/, `${before} ${reason}`);
        }
      }
    }
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { reason, timestampMs } = parseAnswerBody(bytes);
        assert.ok(reason.length <= maxReasonCharacters && !/\p{Cc}/u.test(reason));
        assert.equal(timestampMs, null);
      }),
    );
  });
});
