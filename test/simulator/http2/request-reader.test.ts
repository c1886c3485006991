/** The memory of the last header block never changes what a request means. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ByteWriter } from '../../../src/codec/byte-writer.js';
import { type EncodedField, HpackEncoder } from '../../../src/codec/hpack/encoder.js';
import { SimulatedGateway } from '../../../src/simulator/faults/simulated-gateway.js';
import { RequestReader } from '../../../src/simulator/http2/request-reader.js';
import { BAD_MESSAGE_ID, MISSING_DEVICE_TOKEN } from '../../../src/simulator/settings/answers.js';
import { resolveOptions } from '../../../src/simulator/settings/simulator-settings.js';
import { literals } from '../../support/frames.js';
import { tokenNumber } from '../../support/push-client.js';

const gateway = new SimulatedGateway(resolveOptions({ topics: ['com.example.app'] }));
const nowMs = 1_800_000_000_000;

function newReader(): RequestReader {
  const { headers, others } = gateway.makeRules();
  return new RequestReader(headers, { certificateTopic: null, keyName: null }, others);
}

interface Verdict {
  readonly isMalformed: boolean;
  readonly answer: number;
  readonly token: string;
  readonly payloadLimit: number;
  readonly apnsId: string | null;
}

function read(reader: RequestReader, block: Uint8Array): Verdict {
  // In the middle of a larger buffer, as in a read from a socket.
  const bytes = Buffer.concat([Buffer.from([0xff, 0x40]), block, Buffer.from([0x80])]);
  reader.read(bytes, 2, 2 + block.length, nowMs);
  if (reader.isMalformed) return { isMalformed: true, answer: 0, token: '', payloadLimit: 0, apnsId: null };
  return {
    isMalformed: false,
    answer: reader.answer,
    token: Buffer.from(reader.token.subarray(0, reader.tokenLength)).toString('hex'),
    payloadLimit: reader.payloadLimit,
    apnsId: reader.apnsId === null ? null : Buffer.from(reader.apnsId.subarray(0, 36)).toString(),
  };
}

const optional = (name: string, values: readonly string[]): fc.Arbitrary<(readonly [string, string])[]> =>
  fc.constantFrom<(readonly [string, string])[]>([], ...values.map((value) => [[name, value] as const]));

const request = fc
  .tuple(
    fc.constantFrom('POST', 'POST', 'POST', 'GET'),
    fc.constantFrom(
      ...[1, 2, 3].map((index) => `/3/device/${tokenNumber(index)}`),
      '/3/device/',
      '/3/device/abcd',
      '/3/device/xyz1',
      '/4/other',
    ),
    optional('apns-topic', ['com.example.app', 'com.example.app', 'com.example.app.voip', 'com.example.bad']),
    optional('apns-push-type', ['alert', 'voip', 'toast']),
    optional('apns-priority', ['10', '5', '7']),
    optional('apns-id', ['123e4567-e89b-42d3-a456-426614174000', '123e4567-e89b-42d3-a456-426614174001', 'none']),
    optional('connection', ['close']),
    fc.constantFrom<EncodedField['indexing']>('shared', 'first', 'none', 'never'),
    fc.boolean(),
  )
  .map(([method, path, topic, type, priority, id, malformed, indexing, isRaw]) => ({
    fields: [
      [':method', method],
      [':scheme', 'https'],
      [':path', path],
      ...topic,
      ...type,
      ...priority,
      ...id,
      ...malformed,
    ] as [string, string][],
    indexing,
    isRaw,
  }));

describe('simulator: request reader', () => {
  it('reads each request as a new connection would, whichever came before (property)', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 2, maxLength: 30 }), (requests) => {
        const reader = newReader();
        const encoder = new HpackEncoder();
        for (const { fields, indexing, isRaw } of requests) {
          const plain = literals(fields);
          let block: Uint8Array = plain;
          if (!isRaw) {
            const out = new ByteWriter();
            encoder.encode(
              fields.map(([name, value]) => ({ name, value, indexing: name === ':path' ? 'none' : indexing })),
              out,
            );
            block = out.view().slice();
          }
          assert.deepEqual(read(reader, block), read(newReader(), plain));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('finds fault with an apns-id also where the request before it had a fault in its path', () => {
    const reader = newReader();
    const answers = ['/3/device/', `/3/device/${tokenNumber(1)}`].map((path) => {
      const block = literals([
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', path],
        ['apns-topic', 'com.example.app'],
        ['apns-id', 'none'],
      ]);
      return read(reader, block).answer;
    });
    assert.deepEqual(answers, [MISSING_DEVICE_TOKEN, BAD_MESSAGE_ID]);
  });

  it('decodes a block that fills the header table each time it comes', () => {
    const start = literals([
      [':method', 'POST'],
      [':scheme', 'https'],
      [':path', `/3/device/${tokenNumber(1)}`],
    ]);
    const topic = Buffer.from('com.example.app', 'latin1');
    const inserting = Buffer.concat([
      start,
      Buffer.from([0x40, 10]), // literal with incremental indexing, the name spelled out
      Buffer.from('apns-topic', 'latin1'),
      Buffer.from([topic.length]),
      topic,
    ]);
    const referring = Buffer.concat([start, Buffer.from([0x80 | 63])]); // the older of two entries
    const reader = newReader();
    const answers = [inserting, inserting, referring].map((block) => read(reader, block).answer);
    assert.deepEqual(answers, [0, 0, 0]);
  });

  it('judges a provider token again when its hour is over, though the block is the same', () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = part({ alg: 'ES256', kid: 'ABCDEFGHIJ' });
    const jwt = `${head}.${part({ iss: 'KLMNOPQRST', iat: nowMs / 1000 })}.${Buffer.alloc(64).toString('base64url')}`;
    const block = literals([
      [':method', 'POST'],
      [':scheme', 'https'],
      [':path', `/3/device/${tokenNumber(1)}`],
      ['apns-topic', 'com.example.app'],
      ['authorization', `bearer ${jwt}`],
    ]);
    const reader = newReader();
    const answers = [0, 1, 3_599_999, 3_600_000, 3_600_001].map((laterMs) => {
      reader.read(block, 0, block.length, nowMs + laterMs);
      return reader.answer;
    });
    assert.deepEqual(answers.slice(0, 3), [0, 0, 0]);
    assert.ok(answers[3] !== 0 && answers[3] === answers[4]);
  });
});
