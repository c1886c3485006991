/** Templates: what is said to each recipient, in octets, and who cannot be sent to. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { apnsIdText } from '../../../src/apns/apns-id.js';
import { collapseIdAt } from '../../../src/push/personal-fields.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Template, type TemplateOptions } from '../../../src/session/personal/template.js';
import type { RenderedRows } from '../../../src/session/recipients/row-batch.js';
import { type ColumnValues, Rows } from '../../../src/session/recipients/rows.js';

const context = { pushType: 'alert', protocol: 'http2' } as const;

function rowsOf(columns: Readonly<Record<string, ColumnValues>>): Rows {
  const count = (Object.values(columns)[0] as readonly unknown[]).length;
  return new Rows(new TokenBlock(randomBytes(count * 32), 32, count), columns);
}

function payloadsOf({ batches }: RenderedRows): unknown[] {
  return batches.flatMap(({ personal }) => {
    const { payloads, payloadOffsets } = personal!;
    return Array.from({ length: payloadOffsets!.length - 1 }, (_, index) =>
      JSON.parse(Buffer.from(payloads!.subarray(payloadOffsets![index], payloadOffsets![index + 1])).toString()),
    );
  });
}

const render = (options: TemplateOptions, columns: Readonly<Record<string, ColumnValues>>): RenderedRows =>
  new Template(options).render(rowsOf(columns), context);

describe('a template', () => {
  it('puts the fields of each recipient into its payload', () => {
    const rendered = render(
      { payload: { aps: { alert: { title: '{{name}}', body: 'Your order {{order}} is on its way, {{name}}.' } } } },
      { name: ['Ada', 'Zoë'], order: [17, '18b'] },
    );
    assert.deepEqual(payloadsOf(rendered), [
      { aps: { alert: { title: 'Ada', body: 'Your order 17 is on its way, Ada.' } } },
      { aps: { alert: { title: 'Zoë', body: 'Your order 18b is on its way, Zoë.' } } },
    ]);
    assert.deepEqual(rendered.invalid, []);
    assert.equal(rendered.batches[0]!.indexes, null, 'the tokens travel as they are');
  });

  it('writes what is missing or empty as its default, and refuses who has neither', () => {
    const rendered = render(
      { payload: { aps: { alert: 'Hello {{name|there}}{{greeting|}}, {{order}}' } } },
      { name: ['Ada', null, ''], order: ['1', '2', undefined] },
    );
    assert.deepEqual(payloadsOf(rendered), [{ aps: { alert: 'Hello Ada, 1' } }, { aps: { alert: 'Hello there, 2' } }]);
    assert.deepEqual(rendered.invalid, [{ index: 2, why: 'has no order, and the template has no default for it' }]);
    assert.deepEqual([...rendered.batches[0]!.indexes!], [0, 1]);
  });

  it('writes numbers and JSON values as such', () => {
    const rendered = render(
      {
        payload: { aps: { badge: '{{badge:number|0}}', alert: 'x' }, cart: '{{cart:json}}', vip: '{{vip:json|false}}' },
      },
      { badge: [3, null, 1e21], cart: ['[1,"a"]', '{"a":{}}', 'null'], vip: ['true', null, ''] },
    );
    assert.deepEqual(payloadsOf(rendered), [
      { aps: { badge: 3, alert: 'x' }, cart: [1, 'a'], vip: true },
      { aps: { badge: 0, alert: 'x' }, cart: { a: {} }, vip: false },
      { aps: { badge: 1e21, alert: 'x' }, cart: null, vip: false },
    ]);
  });

  it('refuses what is no number and no JSON, without saying what it is', () => {
    const { invalid } = render(
      { payload: { aps: { badge: '{{badge:number}}' }, cart: '{{cart:json}}' } },
      { badge: ['007', '3', '1,5'], cart: ['1', '{', '1'] },
    );
    assert.deepEqual(invalid, [
      { index: 0, why: 'has a badge that is not a number such as 3 or 2.5' },
      { index: 1, why: 'has a cart that is not JSON: a text needs quotes there' },
      { index: 2, why: 'has a badge that is not a number such as 3 or 2.5' },
    ]);
  });

  it('writes any text as JSON.stringify does (property)', () => {
    const template = new Template({ payload: { aps: { alert: 'a {{text}} b' } } });
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (texts) => {
        const rendered = template.render(rowsOf({ text: texts }), context);
        const alerts = (payloadsOf(rendered) as { aps: { alert: string } }[]).map(({ aps }) => aps.alert);
        assert.deepEqual(
          alerts,
          texts.map((each) => `a ${each} b`),
        );
      }),
    );
  });

  it('chooses a variant by a column, or the default payload, or neither', () => {
    const variants = { de: { aps: { alert: 'Hallo {{name}}' } }, fr: { aps: { alert: 'Salut {{name}}' } } };
    const columns = { locale: ['de', 'fr', 'xx', null], name: ['A', 'B', 'C', 'D'] };
    const withDefault = { payload: { aps: { alert: 'Hi {{name}}' } }, variants, variantColumn: 'locale' };
    const alerts = payloadsOf(render(withDefault, columns)).map(
      (payload) => (payload as { aps: { alert: string } }).aps.alert,
    );
    assert.deepEqual(alerts, ['Hallo A', 'Salut B', 'Hi C', 'Hi D']);
    const without = render({ variants, variantColumn: 'locale' }, columns);
    assert.equal(payloadsOf(without).length, 2);
    assert.deepEqual(
      without.invalid.map(({ why }) => why),
      [
        'has a locale that is not the name of a variant (de, fr), and there is no payload for the others',
        'has no locale, and there is no payload for those without a variant',
      ],
    );
  });

  it('counts the size of each payload in bytes', () => {
    const rendered = render(
      { payload: { aps: { alert: '{{text}}' } } },
      { text: ['é'.repeat(2036), 'é'.repeat(2039), 'x'] },
    );
    assert.deepEqual(rendered.invalid, [{ index: 1, why: 'has a payload of 4098 bytes, and 4096 are allowed' }]);
    assert.equal(payloadsOf(rendered).length, 2);
  });

  it('fills header fields, and keeps those apart that have others', () => {
    const id = '11111111-2222-3333-4444-555555555555';
    const rendered = render(
      {
        payload: { aps: { alert: 'x' } },
        collapseId: 'order-{{order}}',
        expiration: '{{until|}}',
        priority: '{{priority|}}',
        apnsId: '{{id|}}',
      },
      {
        order: ['1', '2', '3'],
        until: ['2031-01-31T12:00:00Z', null, '2031-01-31T12:00:00Z'],
        priority: [5, null, 5],
        id: [id, null, id],
      },
    );
    const [first, second] = rendered.batches;
    assert.equal(rendered.batches.length, 2);
    assert.deepEqual([...first!.indexes!], [0, 2]);
    assert.deepEqual([...first!.personal!.fields!.expirations!], [1927627200, 1927627200]);
    assert.deepEqual([...first!.personal!.fields!.priorities!], [5, 5]);
    assert.equal(collapseIdAt(first!.personal!.fields!, 1), 'order-3');
    assert.equal(apnsIdText(first!.personal!.apnsIds!, 16), id);
    assert.deepEqual([...second!.indexes!], [1]);
    assert.equal(second!.personal!.apnsIds, null);
    assert.equal(second!.personal!.fields!.priorities, null);
    assert.equal(collapseIdAt(second!.personal!.fields!, 0), 'order-2');
  });

  it('renders only the rows that are due, and divides batches', () => {
    const template = new Template({
      payload: { aps: { alert: '{{name}}' } },
      collapseId: 'c{{name}}',
      apnsId: '{{id}}',
    });
    const ids = ['a', 'b', 'c', 'd'].map((digit) => `1111111${digit}-2222-3333-4444-555555555555`);
    const rows = rowsOf({ name: ['A', 'B', 'C', 'D'], id: ids });
    const [batch] = template.render(rows, context, Uint16Array.of(0, 2, 3)).batches;
    assert.deepEqual([...batch!.indexes!], [0, 2, 3]);
    const part = batch!.slice(1, 3);
    assert.deepEqual(payloadsOf({ batches: [part], invalid: [] }), [{ aps: { alert: 'C' } }, { aps: { alert: 'D' } }]);
    assert.deepEqual([part.rowOf(0), part.rowOf(1)], [2, 3]);
    assert.equal(part.tokens.textAt(1), rows.tokens.textAt(3));
    assert.equal(collapseIdAt(part.personal!.fields!, 1), 'cD');
    assert.equal(apnsIdText(part.personal!.apnsIds!, 0), ids[2]);
    assert.equal(batch!.slice(0, 3), batch);
  });

  it('refuses recipients whose header fields may not be sent', () => {
    const { invalid } = render(
      { payload: { aps: { alert: 'x' } }, collapseId: '{{c|}}', priority: '{{p|}}', apnsId: '{{id|}}' },
      { c: ['x'.repeat(65), null, null], p: [null, 7, null], id: [null, null, 'no-uuid'] },
    );
    assert.deepEqual(
      invalid.map(({ why }) => why),
      [
        'has in its column c a collapseId that has 65 bytes, more than 64',
        'has in its column p a priority that is not 10, 5 or 1',
        'has in its column id an apnsId that is not a UUID',
      ],
    );
  });

  it('takes braces that JSON escapes for text', () => {
    const rendered = render({ payload: '{"aps":{"alert":"\\u007b\\u007bname}} {{name}}"}}' }, { name: ['Ada'] });
    assert.deepEqual(payloadsOf(rendered), [{ aps: { alert: '{{name}} Ada' } }]);
  });

  for (const [payload, why] of [
    ['{"aps":{"alert":"{{name"}}', /has \{\{ without/],
    ['{"aps":{"alert":"{{}}"}}', /a placeholder without a field: write \{\{field\}\}/],
    ['{"aps":{"alert":"{{|x}}"}}', /a placeholder without a field/],
    [
      '{"aps":{"alert":"{{a:date}}"}}',
      /asks for the field a as "date": write \{\{a\}\}, \{\{a:number\}\} or \{\{a:json\}\}/,
    ],
    ['{"aps":{"badge":"{{a:number}} x"}}', /amid other text: a number must be the whole value/],
    ['{"aps":{"badge":"{{a:number|many}}"}}', /The default of \{\{a:number\}\} is "many", which is no number/],
    ['{"aps":{"badge":"{{a}}"}}', /badge/],
    ['{"aps":{"alert":"x"},"{{a}}":1}', /a placeholder in the key/],
    ['{"aps":{"alert":"{{a}}"}', /is not JSON/],
    ['{"aps":{"alert":"x","sound":{"volume":"{{v}}"}}}', /volume/],
  ] as const) {
    it(`refuses ${payload}`, () => {
      assert.throws(() => new Template({ payload }), { code: 'ERR_PEAL_PAYLOAD', message: why });
    });
  }

  it('refuses variants without their column, and options that it does not know', () => {
    assert.throws(() => new Template({ variants: { de: { aps: {} } } }), {
      code: 'ERR_PEAL_OPTION',
      message: /come together/,
    });
    assert.throws(
      () => new Template({ paylod: {} } as TemplateOptions),
      /has no option "paylod": did you mean payload\?/,
    );
  });
});
