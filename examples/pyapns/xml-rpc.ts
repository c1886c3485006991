/**
 * Reads requests of XML-RPC and writes its answers: the part of http://xmlrpc.com/spec that pyapns needs. Pure; called
 * by the server for each request.
 *
 * The reader takes plain elements, text, CDATA, comments and the five entities that XML itself has, with characters by
 * number. It refuses document types, so that no entity can be declared, and attributes, which XML-RPC has not.
 */

/** What a request may hold. */
export type XmlRpcValue = string | number | boolean | null | XmlRpcValue[] | { [name: string]: XmlRpcValue };

/** What an answer may hold besides. */
export type XmlRpcResult = string | number | null | Date | readonly XmlRpcResult[];

export interface XmlRpcCall {
  readonly method: string;
  readonly params: readonly XmlRpcValue[];
}

/** An answer of XML-RPC that says why a call was not carried out. */
export class XmlRpcFault extends Error {
  constructor(
    readonly faultCode: number,
    message: string,
  ) {
    super(message);
    this.name = 'XmlRpcFault';
  }
}

/** The code of Twisted, under which pyapns runs, for calls that cannot be carried out. */
export const failure = 8002;
/** Its code for methods that do not exist. */
export const notFound = 8001;

const maxDepth = 32;

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const openTag = /<([A-Za-z][A-Za-z0-9._]*)[ \t\r\n]*(\/?)>/y;
const closeTag = /<\/([A-Za-z][A-Za-z0-9._]*)[ \t\r\n]*>/y;
const blanks = /[ \t\r\n]+/y;
/** XML 1.0 section 2.2, without the pairs of surrogates, which a text out of UTF-8 has in pairs only. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML does not have
const notInXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/**
 * @throws XmlRpcFault 8002: not UTF-8, not well formed, nested too deep, or not a call
 */
export function readCall(body: Uint8Array): XmlRpcCall {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new XmlRpcFault(failure, 'The request is not UTF-8.');
  }
  return new Reader(text).call();
}

class Reader {
  #at = 0;
  #depth = 0;

  constructor(readonly text: string) {
    if (notInXml.test(text)) throw new XmlRpcFault(failure, 'The request has a control character.');
  }

  call(): XmlRpcCall {
    if (this.text.startsWith('<?xml')) this.#skipTo('?>');
    this.#open('methodCall');
    this.#open('methodName');
    const method = this.#characters();
    this.#close('methodName');
    const params = this.#isNext('</') ? [] : this.#params();
    this.#close('methodCall');
    this.#skipBlanks();
    if (this.#at < this.text.length) throw this.#fault('expected the end of the request');
    return { method, params };
  }

  #params(): XmlRpcValue[] {
    const params: XmlRpcValue[] = [];
    if (this.#open('params')) return params;
    while (!this.#isNext('</')) {
      this.#open('param');
      params.push(this.#value());
      this.#close('param');
    }
    this.#close('params');
    return params;
  }

  #value(): XmlRpcValue {
    if (++this.#depth > maxDepth) throw this.#fault(`values are nested deeper than ${maxDepth}`);
    const value = this.#open('value') ? '' : this.#content();
    this.#depth -= 1;
    return value;
  }

  /** What stands in a `value`, and its end. Text without a type is a string. */
  #content(): XmlRpcValue {
    const start = this.#at;
    if (!this.#isNext('</') && this.#isNext('<') && !this.#isNext('<![')) {
      const value = this.#typed();
      this.#close('value');
      return value;
    }
    this.#at = start;
    const text = this.#characters();
    this.#close('value');
    return text;
  }

  #typed(): XmlRpcValue {
    const [type, isEmpty] = this.#openAny();
    if (type === 'struct') return isEmpty ? emptyStruct() : this.#struct();
    if (type === 'array') {
      if (isEmpty) throw this.#fault('an array has no data');
      return this.#array();
    }
    const text = isEmpty ? '' : this.#characters();
    if (!isEmpty) this.#close(type);
    switch (type) {
      case 'string':
        return text;
      case 'nil':
        return null;
      case 'boolean':
        if (text !== '0' && text !== '1') throw this.#fault('a boolean is 0 or 1');
        return text === '1';
      case 'int':
      case 'i4':
      case 'i8':
        return this.#number(text, /^[+-]?\d{1,16}$/, Number.isSafeInteger);
      case 'double':
        return this.#number(text, /^[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,3})?$/, Number.isFinite);
      default:
        throw this.#fault(`a value of type ${type} has no place in a notification`);
    }
  }

  #number(text: string, form: RegExp, isGood: (value: number) => boolean): number {
    const trimmed = text.trim();
    const value = Number(trimmed);
    if (!form.test(trimmed) || !isGood(value)) throw this.#fault('a number is not valid, or too large');
    return value;
  }

  #struct(): XmlRpcValue {
    const struct = emptyStruct();
    while (!this.#isNext('</')) {
      this.#open('member');
      this.#open('name');
      const name = this.#characters();
      this.#close('name');
      if (Object.hasOwn(struct, name)) throw this.#fault('a struct has the same name twice');
      struct[name] = this.#value();
      this.#close('member');
    }
    this.#close('struct');
    return struct;
  }

  #array(): XmlRpcValue[] {
    const array: XmlRpcValue[] = [];
    if (!this.#open('data')) {
      while (!this.#isNext('</')) array.push(this.#value());
      this.#close('data');
    }
    this.#close('array');
    return array;
  }

  /** Text up to the next tag, with comments left out. */
  #characters(): string {
    let text = '';
    for (;;) {
      const end = this.text.indexOf('<', this.#at);
      if (end < 0) throw this.#fault('the request is cut off');
      text += this.#plain(this.text.slice(this.#at, end));
      this.#at = end;
      if (this.text.startsWith('<!--', end)) this.#skipTo('-->');
      else if (this.text.startsWith('<![CDATA[', end)) text += this.#skipTo(']]>').slice('<![CDATA['.length, -3);
      else return text;
    }
  }

  #plain(text: string): string {
    return text.replaceAll(/&([^;&]{0,12})(;?)/g, (_all, name: string, end: string) => {
      const known = Object.hasOwn(entities, name) ? entities[name] : undefined;
      if (end === ';' && known !== undefined) return known;
      const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name) ?? [];
      const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
      const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
      const character = end === ';' && isCharacter ? String.fromCodePoint(code) : null;
      if (character === null || notInXml.test(character)) throw this.#fault('an entity is not known');
      return character;
    });
  }

  /** Returns whether the element is empty (`<name/>`): then it has no end of its own. */
  #open(name: string): boolean {
    const [found, isEmpty] = this.#openAny();
    if (found !== name) throw this.#fault(`expected <${name}>`);
    return isEmpty;
  }

  #openAny(): [name: string, isEmpty: boolean] {
    const match = this.#match(openTag);
    if (match === null) throw this.#fault('expected an element without attributes');
    return [match[1]!, match[2] === '/'];
  }

  #close(name: string): void {
    if (this.#match(closeTag)?.[1] !== name) throw this.#fault(`expected </${name}>`);
  }

  #match(tag: RegExp): RegExpExecArray | null {
    this.#skipBlanks();
    tag.lastIndex = this.#at;
    const match = tag.exec(this.text);
    if (match !== null) this.#at = tag.lastIndex;
    return match;
  }

  #isNext(text: string): boolean {
    this.#skipBlanks();
    return this.text.startsWith(text, this.#at);
  }

  #skipBlanks(): void {
    for (;;) {
      blanks.lastIndex = this.#at;
      if (blanks.test(this.text)) this.#at = blanks.lastIndex;
      if (!this.text.startsWith('<!--', this.#at)) return;
      this.#skipTo('-->');
    }
  }

  /** Returns what was skipped, the end included. */
  #skipTo(end: string): string {
    const found = this.text.indexOf(end, this.#at + 4);
    if (found < 0) throw this.#fault('the request is cut off');
    const start = this.#at;
    this.#at = found + end.length;
    return this.text.slice(start, this.#at);
  }

  #fault(what: string): XmlRpcFault {
    return new XmlRpcFault(failure, `The request is not valid at character ${this.#at + 1}: ${what}.`);
  }
}

/** Without a prototype, so that a name such as `__proto__` is a name like others. */
function emptyStruct(): { [name: string]: XmlRpcValue } {
  return Object.create(null) as { [name: string]: XmlRpcValue };
}

const head = '<?xml version="1.0" encoding="UTF-8"?>\n';

export function writeResult(result: XmlRpcResult): string {
  return `${head}<methodResponse><params><param>${valueText(result)}</param></params></methodResponse>\n`;
}

export function writeFault({ faultCode, message }: XmlRpcFault): string {
  const code = `<member><name>faultCode</name>${valueText(faultCode)}</member>`;
  const text = `<member><name>faultString</name>${valueText(message)}</member>`;
  return `${head}<methodResponse><fault><value><struct>${code}${text}</struct></value></fault></methodResponse>\n`;
}

function valueText(value: XmlRpcResult): string {
  if (value === null) return '<value><nil/></value>';
  if (typeof value === 'string') return `<value><string>${escaped(value)}</string></value>`;
  if (typeof value === 'number') return `<value><int>${value}</int></value>`;
  if (value instanceof Date) return `<value><dateTime.iso8601>${timeText(value)}</dateTime.iso8601></value>`;
  return `<value><array><data>${value.map(valueText).join('')}</data></array></value>`;
}

/** `20310131T12:00:00`, in UTC. */
function timeText(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll('-', '');
}

function escaped(text: string): string {
  const plain = text.replaceAll(new RegExp(notInXml, 'g'), '\ufffd');
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
