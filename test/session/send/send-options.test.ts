import assert from 'node:assert/strict';
import { badTokenShare, requestsPerRecipient, retryTimeMs } from '../../../src/base/limits.js';
import { Message } from '../../../src/session/message/message.js';
import { checkProtocolOptions, checkSendOptions, type SendOptions } from '../../../src/session/send/send-options.js';

const message = new Message('ab'.repeat(32), { alert: 'hi' });
const checked = (options?: SendOptions) => checkSendOptions(message, options);

describe('options of a send', () => {
  it('sends again within a small budget unless it is told otherwise, and nothing that is unknown', () => {
    const { retry, onUnknown, stopAtBadTokens } = checked();
    assert.deepEqual(retry, { attempts: requestsPerRecipient, timeMs: retryTimeMs });
    assert.deepEqual([onUnknown, stopAtBadTokens], ['report', badTokenShare]);
    assert.deepEqual(checked({ retry: { attempts: 7 } }).retry, { attempts: 7, timeMs: retryTimeMs });
    assert.equal(checked({ retry: false }).retry, null);
    assert.equal(checked({ stopAtBadTokens: false }).stopAtBadTokens, null);
  });

  const wrong: readonly [SendOptions, RegExp][] = [
    [{ retry: true as never }, /retry must be false or an object/],
    [{ retry: null as never }, /retry must be false or an object/],
    [{ retry: { attempts: 0 } }, /retry\.attempts/],
    [{ retry: { timeMs: -1 } }, /retry\.timeMs/],
    [{ retry: { times: 3 } as never }, /retry has no option "times"/],
    [{ onUnknown: 'again' as never }, /onUnknown must be/],
    [{ onUnknown: 'resend', retry: false }, /onUnknown: 'resend' goes by the limits of retry/],
    [{ stopAtBadTokens: 90 }, /stopAtBadTokens must be/],
    [{ stopAtBadTokens: 0 }, /stopAtBadTokens must be/],
    [{ stopAtBadTokens: true as never }, /stopAtBadTokens must be/],
  ];
  for (const [options, what] of wrong) {
    it(`refuses ${JSON.stringify(options)}, and names the option`, () => {
      assert.throws(() => checked(options), { code: 'ERR_PEAL_OPTION', message: what });
    });
  }

  it('refuses for a binary gateway what only HTTP/2 can do', () => {
    for (const options of [{ retry: false }, { onUnknown: 'report' }, { stopAtBadTokens: false }] as const) {
      checkProtocolOptions('http2', options);
      assert.throws(() => checkProtocolOptions('binary', options), { code: 'ERR_PEAL_OPTION', message: /HTTP\/2/ });
    }
    checkProtocolOptions('binary', { afterStop: 'leave' });
    checkProtocolOptions('binary');
  });
});
