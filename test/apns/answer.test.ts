import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseAnswerBody } from '../../src/apns/answer.js';
import { maxReasonCharacters, maxResponseBodyBytes, maxRetryAfterSeconds } from '../../src/base/limits.js';
import { retryAfterSeconds } from '../../src/push/answer.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock();

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

  it('reads Retry-After as seconds', () => {
    assert.equal(retryAfterSeconds('120', clock), 120);
    assert.equal(retryAfterSeconds('0', clock), 0);
    assert.equal(retryAfterSeconds('9999999999', clock), maxRetryAfterSeconds);
    assert.equal(retryAfterSeconds('1'.repeat(500), clock), maxRetryAfterSeconds);
    assert.equal(retryAfterSeconds('Fri, 31 Dec 9999 23:59:59 GMT', clock), maxRetryAfterSeconds);
  });

  it('reads Retry-After as a date by the wall clock, and a date that is past as now', () => {
    const at = new VirtualClock(Date.UTC(2026, 0, 31, 23, 59, 30, 500));
    assert.equal(retryAfterSeconds('Sun, 01 Feb 2026 00:00:00 GMT', at), 30);
    assert.equal(retryAfterSeconds('Fri, 31 Dec 1999 23:59:59 GMT', at), 0);
  });

  it('takes nothing else for a Retry-After', () => {
    const others = [null, '', '-1', '1.5', '1e3', 'soon', '2026-02-01T00:00:00Z', 'Sun, 41 Feb 2026 00:00:00 GMT'];
    for (const text of others) assert.equal(retryAfterSeconds(text, clock), null, String(text));
  });
});
