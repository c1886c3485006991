import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { TokenBlock } from '../../src/apns/token-block.js';
import { Message, type MessageOptions } from '../../src/session/message.js';
import { RecipientList } from '../../src/session/recipient-list.js';

const token = 'ab'.repeat(32);
const message = (options: MessageOptions, tokens: string | string[] = token): Message => new Message(tokens, options);

describe('Message', () => {
  it('holds a field exactly when it was given', () => {
    assert.equal(message({ alert: 'hi', badge: 0 }).payload, '{"aps":{"alert":"hi","badge":0}}');
    assert.equal(message({ alert: 'hi', sound: undefined } as object).payload, '{"aps":{"alert":"hi"}}');
    assert.deepEqual(message({ alert: 'hi' }).notification.headers, [['apns-push-type', 'alert']]);
    assert.equal(message({ alert: 'hi' }).expiration, null);
    assert.equal(message({ alert: 'hi', expiration: 0 }).expiration, 0);
  });

  it('refuses a payload of its own beside any other field, also a falsy one', () => {
    for (const rival of [{ alert: '' }, { badge: 0 }, { contentAvailable: false }, { extra: {} }]) {
      assert.throws(() => message({ payload: '{}', ...rival }), { code: 'ERR_PEAL_PAYLOAD' });
    }
    assert.throws(() => message({ alert: 'hi', extra: { aps: {} } }), { code: 'ERR_PEAL_PAYLOAD' });
  });

  it('refuses what is no option, and names it', () => {
    assert.throws(() => message({ alert: 'hi', expiry: 0 } as object), {
      code: 'ERR_PEAL_OPTION',
      message: /"expiry"/,
    });
    assert.throws(() => new Message(token, null as never), { code: 'ERR_PEAL_OPTION' });
  });

  it('refuses a payload over the limit of its push type', () => {
    const body = 'x'.repeat(4500);
    assert.throws(() => message({ alert: body }), { code: 'ERR_PEAL_PAYLOAD', message: /4096/ });
    assert.equal(message({ payload: { body }, pushType: 'voip', topic: 'com.example.app.voip' }).pushType, 'voip');
  });

  it('is frozen, and does not follow changes of the array that it was made of', () => {
    const tokens = [token];
    const frozen = message({ alert: 'hi' }, tokens);
    tokens.push('cd');
    assert.equal(frozen.tokens.length, 1);
    assert.ok(Object.isFrozen(frozen) && Object.isFrozen(frozen.tokens) && Object.isFrozen(frozen.notification));
    assert.ok(Object.isFrozen(frozen.notification.headers));
  });

  it('takes tokens that are none: they are an outcome, not an error', () => {
    assert.deepEqual(message({ alert: 'hi' }, ['nonsense']).tokens, ['nonsense']);
  });

  it('refuses an apns-id for more than one recipient', () => {
    const apnsId = '01234567-89ab-cdef-0123-456789abcdef';
    assert.equal(message({ alert: 'hi', apnsId }).notification.headers.at(-1)?.[1], apnsId);
    for (const tokens of [[], [token, token], [{ token, apnsId }]]) {
      assert.throws(() => new Message(tokens, { alert: 'hi', apnsId }), { code: 'ERR_PEAL_HEADER' });
    }
  });

  it('is restored from its JSON, recipients and all', () => {
    const options: MessageOptions = {
      ...{ alert: 'Grüße', topic: 'com.example.app', priority: 5, expiration: 1_900_000_000, collapseId: 'news' },
      headers: { 'apns-new': 'x' },
    };
    const block = new TokenBlock(new Uint8Array(64).fill(7), 32, 2);
    const personal = { token, apnsId: '01234567-89ab-cdef-0123-456789abcdef', payload: { aps: { badge: 1 } } };
    const before = new Message([token, new Uint8Array(32), block, personal], options);
    const restored = Message.fromJSON(JSON.parse(JSON.stringify(before)));
    assert.deepEqual(restored.toJSON(), before.toJSON());
    assert.deepEqual(restored.notification, before.notification);
    assert.equal(restored.tokens.length, 5);
  });

  it('is restored with the attempt it had reached', () => {
    const batch = { tokens: new TokenBlock(new Uint8Array(32), 32, 1), personal: null };
    const second = message({ alert: 'hi' }).nextAttempt(new RecipientList([batch]));
    assert.equal(Message.fromJSON(JSON.parse(JSON.stringify(second))).attempt, 2);
    assert.equal(second.withTokens(token).attempt, 1);
  });

  it('shares its notification with a message for other tokens', () => {
    const first = message({ alert: 'hi' });
    assert.equal(first.withTokens(['cd']).notification, first.notification);
  });

  it('shows neither tokens nor payload to inspect', () => {
    const shown = inspect(message({ alert: 'a secret', topic: 'com.example.app' }));
    assert.ok(!shown.includes('abab') && !shown.includes('secret'));
    assert.match(shown, /com\.example\.app/);
  });
});
