import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Message, type MessageOptions } from '../../../src/session/message/message.js';
import { RecipientList } from '../../../src/session/recipients/recipient-list.js';

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
    assert.throws(() => message({ alert: 'hi', expires: 0 } as object), {
      code: 'ERR_PEAL_OPTION',
      message: /"expires"/,
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
    const own = { token, expiration: 1_900_000_001, priority: 5, collapseId: 'mine' } as const;
    const before = new Message([token, new Uint8Array(32), block, personal, own], options);
    const restored = Message.fromJSON(JSON.parse(JSON.stringify(before)));
    assert.deepEqual(restored.toJSON(), before.toJSON());
    assert.deepEqual(restored.notification, before.notification);
    assert.equal(restored.tokens.length, 6);
    assert.deepEqual(restored.tokens[5], own);
  });

  it('needs to say nothing where every recipient has a payload of its own', () => {
    const recipients = [{ token, payload: { aps: { alert: 'yours' } } }];
    const quiet = new Message(recipients, { topic: 'com.example.app' });
    assert.deepEqual([quiet.hasPayload, quiet.payload, quiet.pushType], [false, '', 'alert']);
    assert.equal(message({ topic: 'com.example.app' }, []).hasPayload, false);
    const restored = Message.fromJSON(JSON.parse(JSON.stringify(quiet)));
    assert.deepEqual([restored.hasPayload, restored.toJSON()], [false, quiet.toJSON()]);
    const empty = { code: 'ERR_PEAL_PAYLOAD', message: /The message is empty/ };
    const block = new TokenBlock(new Uint8Array(32), 32, 1);
    for (const lacking of [token, { token }, block, new RecipientList([{ tokens: block, personal: null }])]) {
      assert.throws(() => new Message([...recipients, lacking], {}), empty);
      assert.throws(() => quiet.withTokens([lacking]), empty);
    }
  });

  it('restores what an older one let through, and judges it no more', () => {
    const data = { ...message({ alert: 'x' }).toJSON(), payload: '{"aps":{"content-available":true,"alert":""}}' };
    assert.equal(Message.fromJSON(data).payload, data.payload);
  });

  it('says what was meant by an option that it does not know', () => {
    const refused = (options: object, said: RegExp) =>
      assert.throws(() => message(options as MessageOptions), { code: 'ERR_PEAL_OPTION', message: said });
    refused({ alert: 'x', 'thread-id': 'y' }, /^Message has no option "thread-id": write threadId\.$/);
    refused({ alert: 'x', content_available: 1 }, /"content_available": write contentAvailable\.$/);
    refused({ alert: 'x', 'apns-topic': 'y' }, /"apns-topic": write topic\.$/);
    refused({ alert: 'x', title: 'y' }, /"title": write alert: \{ title \}\.$/);
    refused({ alert: 'x', priorty: 5 }, /"priorty": did you mean priority\?$/);
    assert.throws(
      () => Message.fromJSON({ ...message({ alert: 'x' }).toJSON(), header: {} } as never),
      /did you mean headers\?/,
    );
  });

  it('is restored with the attempt it had reached', () => {
    const batch = { tokens: new TokenBlock(new Uint8Array(32), 32, 1), personal: null };
    const second = message({ alert: 'hi' }).nextAttempt(new RecipientList([batch]), true);
    assert.equal(Message.fromJSON(JSON.parse(JSON.stringify(second))).attempt, 2);
    assert.equal(second.withTokens(token).attempt, 1);
  });

  it('is restored from a structured clone, with the expiry that it was made with', () => {
    const before = message({ alert: 'hi', extra: { id: 7 } }, [token, 'cd'.repeat(32)]);
    const data = { ...before.toJSON(), binaryExpiration: 2_000_000_000 };
    for (const copy of [structuredClone(data), JSON.parse(JSON.stringify(data))]) {
      const restored = Message.fromJSON(copy);
      assert.deepEqual(restored.toJSON(), data);
      assert.equal(restored.notificationFor('binary').expiration, 2_000_000_000);
      assert.equal(restored.notificationFor('http2').expiration, null);
    }
  });

  it('refuses data that is no message, and names the field', () => {
    const data = message({ alert: 'hi' }).toJSON();
    const bad: [unknown, RegExp][] = [
      [null, /object/],
      [JSON.stringify(data), /parse JSON text/],
      [{ ...data, tokens: token }, /tokens/],
      [{ ...data, payload: { aps: {} } }, /payload/],
      [{ ...data, headers: { 'apns-topic': 1 } }, /headers/],
      [{ ...data, attempt: 0 }, /attempt/],
      [{ ...data, fruitlessSends: -1 }, /fruitlessSends/],
      [{ ...data, binaryExpiration: 2 ** 33 }, /binaryExpiration/],
    ];
    for (const [value, text] of bad) {
      assert.throws(() => Message.fromJSON(value as never), { code: 'ERR_PEAL_OPTION', message: text });
    }
    assert.throws(() => Message.fromJSON({ ...data, headers: { 'apns-priority': '7' } }), { code: 'ERR_PEAL_HEADER' });
  });

  it('takes its expiration by either name, and refuses both', () => {
    const at = new Date('2030-01-01T00:00:00+05:00');
    assert.equal(message({ alert: 'hi', expiry: at }).expiration, Date.UTC(2029, 11, 31, 19) / 1000);
    assert.equal(message({ alert: 'hi', expiry: 0 }).expiration, 0);
    const fromNow = message({ alert: 'hi', expiry: { seconds: 3600 } }).expiration! - Date.now() / 1000;
    assert.ok(fromNow > 3590 && fromNow <= 3600, String(fromNow));
    const both = { alert: 'hi', expiry: 0, expiration: 0 };
    assert.throws(() => message(both), { code: 'ERR_PEAL_HEADER', message: /expiration and expiry/ });
    for (const expiry of [
      -1,
      1.5,
      3600,
      2 ** 32,
      new Date(Number.NaN),
      { seconds: -1 },
      { seconds: 2 ** 33 },
      { seconds: 5, minutes: 3 },
      'soon',
    ]) {
      assert.throws(() => message({ alert: 'hi', expiry } as object), {
        code: 'ERR_PEAL_HEADER',
        message: /expiration/,
      });
    }
  });

  it('is kept by a binary gateway for a day, and sent at once, where it says nothing else', () => {
    const first = message({ alert: 'hi' });
    const { expiration, priority, headers } = first.notificationFor('binary');
    const lifetime = expiration! - Date.now() / 1000;
    assert.ok(lifetime > 86_390 && lifetime <= 86_400, String(lifetime));
    assert.deepEqual([priority, headers], [10, []]);
    assert.equal(first.withTokens('cd').notificationFor('binary'), first.notificationFor('binary'));
    const chosen = message({ contentAvailable: true, expiration: 0, topic: 'com.example.app' });
    assert.deepEqual([chosen.notificationFor('binary').expiration, chosen.notificationFor('binary').priority], [0, 5]);
  });

  it('is refused for a binary gateway where the protocol cannot carry it', () => {
    const large = message({ alert: 'x'.repeat(2048) });
    assert.throws(() => large.notificationFor('binary'), { code: 'ERR_PEAL_PAYLOAD', message: /2048/ });
    assert.equal(large.notificationFor('http2'), large.notification);
    assert.throws(() => message({ alert: 'hi', priority: 1 }).notificationFor('binary'), {
      code: 'ERR_PEAL_HEADER',
      message: /priority/,
    });
    assert.throws(() => message({ alert: 'hi', collapseId: 'news' }).notificationFor('binary'), {
      code: 'ERR_PEAL_HEADER',
      message:
        'The option collapseId cannot be sent to a binary gateway, which does not collapse notifications: leave it out.',
    });
    assert.throws(() => message({ alert: 'hi', headers: { 'apns-new': '1' } }).notificationFor('binary'), {
      code: 'ERR_PEAL_HEADER',
      message: 'The header apns-new cannot be sent to a binary gateway, which has no header fields: leave it out.',
    });
    const known = { topic: 'com.example.app', pushType: 'alert', priority: 5, expiration: 0 } as const;
    assert.deepEqual(message({ alert: 'hi', ...known }).notificationFor('binary').headers, []);
    const personal = { aps: { alert: 'x'.repeat(2048) } };
    assert.throws(() => message({ badge: 0 }).encodePersonalPayload(personal, 'binary'), { code: 'ERR_PEAL_PAYLOAD' });
    assert.ok(message({ badge: 0 }).encodePersonalPayload(personal).length > 2048);
  });

  it('shares its notification with a message for other tokens', () => {
    const first = message({ alert: 'hi' });
    assert.equal(first.withTokens(['cd']).notification, first.notification);
  });

  it('shares its header fields with other messages, and has its own values apart from them', () => {
    const id = '01234567-89ab-cdef-0123-456789abcdef';
    const shared = { topic: 'com.example.app', headers: { 'apns-new': 'x' } };
    const plain = message({ ...shared, alert: 'hi' });
    const own = { priority: 5, expiration: 1_900_000_000, collapseId: 'news', apnsId: id } as const;
    const { parts, notification } = message({ ...shared, ...own, alert: 'Grüße' });
    assert.equal(parts.sharedHeaders, plain.parts.sharedHeaders);
    const { expiration, priority, collapseId, apnsId, payloadText } = parts;
    assert.deepEqual({ expiration, priority, collapseId, apnsId }, own);
    assert.equal(payloadText, '{"aps":{"alert":"Grüße"}}');
    assert.deepEqual(Buffer.from(parts.payload), Buffer.from(payloadText));
    assert.equal(parts.payload, notification.payload);
    assert.deepEqual(
      notification.headers.map(([name]) => name),
      ['apns-topic', 'apns-push-type', 'apns-priority', 'apns-expiration', 'apns-collapse-id', 'apns-id', 'apns-new'],
    );
    assert.deepEqual(plain.notification.headers, [...plain.parts.sharedHeaders]);
  });

  it('says the same in whatever order and kind of object its options come', () => {
    const options = {
      topic: 'com.example.app',
      alert: { title: 'Grüße "x"', body: 'a\\b' },
      badge: 0,
      sound: 'default',
      threadId: 't',
      contentAvailable: true,
      relevanceScore: 0.5,
      extra: { a: [1, { b: null }] },
      priority: 5,
      expiration: 1_900_000_000,
      collapseId: 'news',
      apnsId: '01234567-89ab-cdef-0123-456789abcdef',
      headers: { 'apns-new': 'x' },
    } as const;
    const first = message(options);
    class Own {}
    const backwards = Object.entries(options).reverse();
    const forms = [
      Object.fromEntries(backwards),
      Object.assign(Object.create(null), options),
      Object.assign(new Own(), Object.fromEntries(backwards)),
      { ...{ topic: options.topic, badge: 0 as const }, ...options, category: undefined },
      Object.freeze({ ...options }),
      new Proxy(options, {}),
    ];
    for (const form of forms) assert.deepEqual(message(form as MessageOptions).toJSON(), first.toJSON());
    assert.equal(
      first.payload,
      '{"aps":{"alert":{"title":"Grüße \\"x\\"","body":"a\\\\b"},"badge":0,"sound":"default","thread-id":"t",' +
        '"content-available":1,"relevance-score":0.5},"a":[1,{"b":null}]}',
    );
  });

  it('reads header options that a class has as getters, and refuses getters of the payload', () => {
    class Own {
      get topic(): string {
        return 'com.example.app';
      }
    }
    const own = Object.assign(new Own(), { alert: 'hi' });
    assert.equal(message(own).topic, 'com.example.app');
    const getter = {
      topic: 'com.example.app',
      get alert() {
        return 'hi';
      },
    };
    assert.throws(() => message(getter), { code: 'ERR_PEAL_PAYLOAD', message: /alert is a getter, not a value/ });
  });

  it('shows neither tokens nor payload to inspect', () => {
    const shown = inspect(message({ alert: 'a secret', topic: 'com.example.app' }));
    assert.ok(!shown.includes('abab') && !shown.includes('secret'));
    assert.match(shown, /com\.example\.app/);
  });
});
