import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { TokenBlock } from '../../../src/push/token-block.js';
import { FcmMessage } from '../../../src/session/message/fcm-message.js';
import { Message } from '../../../src/session/message/message.js';
import { Template, type TemplateOptions } from '../../../src/session/personal/template.js';
import type { FieldContext } from '../../../src/session/recipients/own-fields.js';
import { type ColumnValues, Rows } from '../../../src/session/recipients/rows.js';

const token = (index: number): string => `${String(index).padStart(22, 'f')}:APA91b`;
const context: FieldContext = { pushType: null, protocol: 'fcm' };

function rowsOf(columns: Readonly<Record<string, ColumnValues>>, count: number): Rows {
  const bytes = Buffer.from(Array.from({ length: count }, (_, index) => token(index)).join(''));
  return new Rows(new TokenBlock(bytes, token(0).length, count, 'text'), columns);
}

/** The bodies that recipients get, as a connection puts them together. */
function bodies(template: Template, rows: Rows, message: FcmMessage): unknown[] {
  const { batches } = template.render(rows, context);
  const start = Buffer.from(message.notification.bodyStart!).toString();
  return batches.flatMap(({ tokens, personal }) => {
    const { payloads, payloadOffsets: offsets } = personal!;
    return Array.from({ length: tokens.count }, (_, index) => {
      const rest = Buffer.from(payloads!.subarray(offsets![index], offsets![index + 1])).toString();
      return JSON.parse(start + tokens.textAt(index) + rest);
    });
  });
}

describe('session/personal: templates for FCM', () => {
  it('puts fields into the strings of a message, behind the token of the recipient', () => {
    const payload = {
      notification: { title: 'Hi {{name|there}}', body: '{{orders}} orders' },
      data: { order: '{{id}}' },
      android: { notification: { notification_count: '{{orders:number}}' } },
    };
    const template = new Template({ service: 'fcm', payload });
    const message = new FcmMessage([], { message: { notification: {} } });
    template.checkFor(message.parts);
    const rows = rowsOf({ name: ['Ann "A"', '', 'Zoë'], orders: [1, 2, 3], id: ['a', 'b', 'c\n'] }, 3);
    assert.deepEqual(
      bodies(template, rows, message),
      [
        ['Hi Ann "A"', 1, 'a'],
        ['Hi there', 2, 'b'],
        ['Hi Zoë', 3, 'c\n'],
      ].map(([title, orders, order], index) => ({
        message: {
          token: token(index),
          notification: { title, body: `${orders} orders` },
          data: { order },
          android: { notification: { notification_count: orders } },
        },
      })),
    );
    assert.deepEqual(template.columns, ['name', 'orders', 'id']);
    assert.equal(template.pushType, null);
  });

  it('sends a message without a field as it is, and asks FCM to check it only where that is wanted', () => {
    const template = new Template({ service: 'fcm', dryRun: true, payload: '{ "data": { "a": "b" } }' });
    const message = new FcmMessage([], { data: { a: 'b' }, dryRun: true });
    template.checkFor(message.parts);
    assert.deepEqual(bodies(template, rowsOf({}, 1), message), [
      { message: { token: token(0), data: { a: 'b' } }, validate_only: true },
    ]);
  });

  it('chooses among variants, and tells who has none', () => {
    const template = new Template({
      service: 'fcm',
      variantColumn: 'locale',
      variants: { de: { data: { a: 'Hallo {{name}}' } } },
    });
    const { batches, invalid } = template.render(rowsOf({ locale: ['de', 'fr'], name: ['A', 'B'] }, 2), context);
    assert.equal(batches[0]!.tokens.count, 1);
    assert.match(invalid[0]!.why, /has a locale that is not the name of a variant/);
  });

  it('tells of a recipient whose message would be larger than any', () => {
    const template = new Template({ service: 'fcm', payload: { data: { a: '{{text}}' } } });
    const { batches, invalid } = template.render(rowsOf({ text: ['x'.repeat(40_000), 'y'] }, 2), context);
    assert.equal(batches[0]!.tokens.count, 1);
    assert.match(invalid[0]!.why, /^has a payload of 40\d\d\d bytes, and 32768 are allowed$/);
  });

  const refused: readonly (readonly [string, TemplateOptions, RegExp])[] = [
    ['a payload of APNs', { service: 'fcm', payload: { aps: { alert: 'x' } } }, /aps/],
    ['a value that FCM does not take', { service: 'fcm', payload: { data: { a: 1 } } }, /data/],
    [
      'a text in the place of a number',
      { service: 'fcm', payload: { android: { notification: { notification_count: '{{n}}' } } } },
      /notification_count/,
    ],
    ['a recipient', { service: 'fcm', payload: { token: 'x', data: { a: '{{b}}' } } }, /token/],
    ['no JSON', { service: 'fcm', payload: '{{name}}' }, /is not JSON/],
    [
      'header fields',
      { service: 'fcm', payload: { data: { a: '{{b}}' } }, collapseId: '{{c}}' },
      /android\.collapse_key/,
    ],
    ['a dry run of APNs', { payload: { aps: { alert: '{{x}}' } }, dryRun: true }, /APNs has no such thing/],
  ];
  for (const [name, options, why] of refused) {
    it(`refuses ${name} at once`, () => assert.throws(() => new Template(options), why));
  }

  it('is refused with a message of the other service, or another dry run', () => {
    const fcm = new Template({ service: 'fcm', payload: { data: { a: '{{b}}' } } });
    const apns = new Template({ payload: { aps: { alert: '{{b}}' } } });
    const fcmMessage = new FcmMessage([], { data: { a: 'b' } });
    assert.throws(() => fcm.checkFor(new Message([], { alert: 'x' }).parts), /service/);
    assert.throws(() => apns.checkFor(fcmMessage.parts), /service/);
    assert.throws(() => fcm.checkFor(new FcmMessage([], { data: { a: 'b' }, dryRun: true }).parts), /dryRun/);
    fcm.checkFor(fcmMessage.parts);
  });
});
