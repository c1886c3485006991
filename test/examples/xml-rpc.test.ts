/** The reader and writer of XML-RPC of examples/pyapns, against requests that are right, odd and hostile. */
import assert from 'node:assert/strict';
import {
  failure,
  readCall,
  writeFault,
  writeResult,
  XmlRpcFault,
  type XmlRpcValue,
} from '../../examples/pyapns/xml-rpc.js';
import { Prng } from '../support/prng.js';

const callOf = (values: string): string =>
  `<?xml version='1.0'?>\n<methodCall><methodName>notify</methodName><params>${values}</params></methodCall>\n`;
const readValue = (value: string): XmlRpcValue => {
  const { params } = readCall(Buffer.from(callOf(`<param><value>${value}</value></param>`)));
  assert.equal(params.length, 1);
  return params[0]!;
};

describe('examples/pyapns: requests of XML-RPC', () => {
  const values: readonly (readonly [text: string, value: XmlRpcValue])[] = [
    ['plain text', 'plain text'],
    ['', ''],
    ['  ', '  '],
    ['<string>a &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos; &#228;&#x1F600;</string>', 'a <b> & "c" \'d\' ä😀'],
    ['<string/>', ''],
    ['<string><![CDATA[<a> & ]] b]]></string>', '<a> & ]] b'],
    ['<string>a<!-- <int>1</int> -->b</string>', 'ab'],
    ['<int>-17</int>', -17],
    ['<i4>+4</i4>', 4],
    ['<i8>9007199254740991</i8>', 9007199254740991],
    ['<boolean>1</boolean>', true],
    ['<boolean>0</boolean>', false],
    ['<double>-0.5</double>', -0.5],
    ['<nil/>', null],
    ['\n <array> <data>\n<value>a</value> <value><int>1</int></value></data>\n</array> ', ['a', 1]],
    ['<array><data/></array>', []],
  ];
  for (const [text, value] of values) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(readValue(text), value));
  }

  it('reads structs, whatever their names are', () => {
    const member = (name: string, value: string): string =>
      `<member><name>${name}</name><value>${value}</value></member>`;
    const read = readValue(`<struct>${member('__proto__', 'a')}${member('aps', '<struct/>')}</struct>`) as object;
    assert.deepEqual(Object.entries(read), [
      ['__proto__', 'a'],
      ['aps', Object.create(null)],
    ]);
    assert.equal(Object.getPrototypeOf(read), null);
  });

  it('reads calls without parameters', () => {
    const params = ['', '<params/>', '<params></params>'];
    for (const text of params) {
      const call = readCall(Buffer.from(`<methodCall><methodName>feedback</methodName>${text}</methodCall>`));
      assert.deepEqual(call, { method: 'feedback', params: [] });
    }
  });

  const deep = (levels: number): string =>
    `${'<array><data><value>'.repeat(levels)}${'</value></data></array>'.repeat(levels)}`;
  const wrong: readonly (readonly [what: string, text: string])[] = [
    ['nothing', ''],
    ['text', 'hello'],
    ['an end too early', callOf('').slice(0, -20)],
    ['more after the end', `${callOf('')}<a/>`],
    ['a document type', `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>${callOf('').slice(21)}`],
    ['an entity that was declared elsewhere', callOf('<param><value>&b;</value></param>')],
    ['an & that is none', callOf('<param><value>a & b</value></param>')],
    ['a NUL by its number', callOf('<param><value>&#0;</value></param>')],
    ['half of a pair by its number', callOf('<param><value>&#xD800;</value></param>')],
    ['a control character', callOf('<param><value>\u0007</value></param>')],
    ['an attribute', callOf('<param><value a="b">c</value></param>')],
    ['another element', callOf('<param><values>c</values></param>')],
    ['an element that ends as another', callOf('<param><value><int>1</i4></value></param>')],
    ['text before a type', callOf('<param><value>a<int>1</int></value></param>')],
    ['a boolean of 2', callOf('<param><value><boolean>2</boolean></value></param>')],
    ['a number in words', callOf('<param><value><int>one</int></value></param>')],
    ['an integer beyond 53 bits', callOf('<param><value><i8>9007199254740993</i8></value></param>')],
    ['a double that is infinite', callOf('<param><value><double>1e999</double></value></param>')],
    ['a date', callOf('<param><value><dateTime.iso8601>20310131T12:00:00</dateTime.iso8601></value></param>')],
    ['an array without data', callOf('<param><value><array/></value></param>')],
    [
      'a name twice',
      callOf(`<param><value><struct>${'<member><name>a</name><value/></member>'.repeat(2)}</struct></value></param>`),
    ],
    ['33 levels', callOf(`<param><value>${deep(32)}</value></param>`)],
    ['a hundred thousand levels', callOf(`<param><value>${deep(100_000)}</value></param>`)],
  ];
  for (const [what, text] of wrong) {
    it(`refuses ${what} with a fault`, () => {
      assert.throws(
        () => readCall(Buffer.from(text)),
        (error) => error instanceof XmlRpcFault && error.faultCode === failure,
      );
    });
  }

  it('refuses bytes that are not UTF-8', () => {
    assert.throws(() => readCall(Buffer.from(callOf('<param><value>ä</value></param>'), 'latin1')), /not UTF-8/);
  });

  it('reads 31 levels', () => assert.ok(Array.isArray(readValue(deep(31)))));

  it('ends requests with any change of a character with a call or a fault, never with another error', () => {
    const good = callOf(
      `<param><value><struct><member><name>a&amp;b</name><value>${deep(2)}</value></member></struct></value></param>`,
    );
    const seed = Number(process.env.PEAL_SEED ?? 14);
    const prng = new Prng(seed);
    const pieces = ['<', '>', '&', '</', '/>', '<!--', '-->', '<![CDATA[', ']]>', '<?', ';', '\u0000', 'x', ''];
    for (let round = 0; round < 5_000; round++) {
      const at = prng.int(good.length);
      const piece = prng.pick(pieces);
      const text = good.slice(0, at) + piece + good.slice(at + prng.int(3));
      try {
        readCall(Buffer.from(text));
      } catch (error) {
        assert.ok(error instanceof XmlRpcFault, `seed ${seed}, round ${round}: ${String(error)}\n${text}`);
      }
    }
  });

  it('reads a megabyte of blanks, brackets or ampersands in a moment', () => {
    for (const piece of [' ', '<', '<a ', '&', '<!--', '<value>']) {
      const started = process.cpuUsage();
      const text = callOf(`<param><value>${piece.repeat((1 << 20) / piece.length)}`);
      assert.throws(() => readCall(Buffer.from(text)), XmlRpcFault);
      const { user } = process.cpuUsage(started);
      assert.ok(user < 2_000_000, `${piece}: ${user / 1000} ms`);
    }
  });

  it('writes what clients read', () => {
    const text = writeResult([[new Date('2031-01-31T12:00:00.9Z'), 'ab<&>\u0000'], null, 4]);
    assert.ok(text.includes('<dateTime.iso8601>20310131T12:00:00</dateTime.iso8601>'), text);
    assert.ok(text.includes('<string>ab&lt;&amp;&gt;\ufffd</string>'), text);
    assert.ok(text.includes('<value><nil/></value><value><int>4</int></value>'), text);
    const fault = writeFault(new XmlRpcFault(404, 'a < b'));
    assert.ok(fault.includes('<name>faultCode</name><value><int>404</int></value>'), fault);
    assert.ok(fault.includes('<string>a &lt; b</string>'), fault);
  });
});
