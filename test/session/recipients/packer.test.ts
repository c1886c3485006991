import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { PealError } from '../../../src/base/errors.js';
import type { Batch } from '../../../src/engine/batch.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import {
  type FieldContext,
  keptFieldsProblem,
  type OwnFields,
  ownFieldsOf,
} from '../../../src/session/recipients/own-fields.js';
import { Packer } from '../../../src/session/recipients/packer.js';
import type { InvalidRecipient, Recipient } from '../../../src/session/recipients/recipient.js';
import { RecipientList } from '../../../src/session/recipients/recipient-list.js';
import { VirtualClock } from '../../support/virtual-clock.js';

function pack(
  recipients: readonly Recipient[],
  needsPayloads = false,
  way: Pick<FieldContext, 'pushType' | 'protocol'> = { pushType: 'alert', protocol: 'http2' },
): { batches: Batch[]; invalid: InvalidRecipient[]; tokens: string[] } {
  const invalid: InvalidRecipient[] = [];
  const context = { ...way, clock: new VirtualClock(1_700_000_000_000) };
  const packer = new Packer({
    encodePayload,
    readFields: (recipient) => ownFieldsOf(recipient, context),
    checkKept: (fields) => keptFieldsProblem(fields, context),
    needsPayloads,
    onInvalid: (recipient) => invalid.push(recipient),
  });
  const batches: Batch[] = [];
  for (const recipient of recipients) {
    packer.add(recipient);
    batches.push(...packer.takeFull());
  }
  batches.push(...packer.flush());
  assert.equal(packer.isOpen, false);
  return { batches, invalid, tokens: [...new RecipientList(batches)] };
}

function encodePayload(payload: object | string | Uint8Array): Uint8Array {
  if (typeof payload === 'string') throw new PealError('ERR_PEAL_PAYLOAD', 'too large', { origin: 'usage' });
  return payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
}

const token = (number: number): string => number.toString(16).padStart(64, '0');
const block = (count: number, first = 0): TokenBlock =>
  new TokenBlock(
    Buffer.concat(Array.from({ length: count }, (_, i) => Buffer.from(token(first + i), 'hex'))),
    32,
    count,
  );

describe('Packer', () => {
  it('packs the same tokens in every form to the same bytes', () => {
    const hex = createHash('sha256').update('a device').digest('hex');
    const forms = [hex, hex.toUpperCase(), `<${hex.slice(0, 8)} ${hex.slice(8)}>`, Buffer.from(hex, 'hex')];
    const { tokens, invalid } = pack([...forms, Buffer.from(hex, 'hex').toString('base64')]);
    assert.deepEqual(tokens, Array(5).fill(hex));
    assert.deepEqual(invalid, []);
  });

  it('fills batches of 1,024 and leaves the rest to the flush', () => {
    const { batches } = pack(Array.from({ length: 2500 }, (_, i) => token(i)));
    assert.deepEqual(
      batches.map(({ tokens }) => tokens.count),
      [1024, 1024, 452],
    );
  });

  it('never mixes token lengths in a batch', () => {
    const { batches } = pack(['aa'.repeat(32), 'bb'.repeat(20), 'cc'.repeat(32), 'dd'.repeat(20)]);
    const shown = batches.map(({ tokens }) => [
      tokens.tokenBytes,
      tokens.textAt(0).slice(0, 2),
      tokens.textAt(1).slice(0, 2),
    ]);
    assert.deepEqual(shown, [
      [32, 'aa', 'cc'],
      [20, 'bb', 'dd'],
    ]);
  });

  it('gives each batch memory of its own, exactly as large as its tokens', () => {
    for (const { tokens } of pack(Array.from({ length: 1030 }, (_, i) => token(i))).batches) {
      assert.equal(tokens.bytes.byteOffset, 0);
      assert.equal(tokens.bytes.buffer.byteLength, tokens.count * 32);
    }
  });

  it('tells what is no token, with its position and why, and goes on', () => {
    const recipients = [token(1), 'abc', block(3, 10), null, 42, new Uint8Array(101), { token: 'zz' }, token(2)];
    const { tokens, invalid } = pack(recipients as Recipient[]);
    assert.equal(tokens.length, 5);
    assert.deepEqual(
      invalid.map(({ index }) => index),
      [1, 5, 6, 7, 8],
    );
    assert.deepEqual(invalid.map(({ text }) => text).slice(0, 3), ['abc', 'null', 'of type number']);
    for (const { why } of invalid) assert.match(why, /^(is|has) /);
  });

  it('refuses letters beyond ASCII whose codes end like digits', () => {
    const { tokens, invalid } = pack([`\u0130${'0'.repeat(63)}`, `${'0'.repeat(63)}\u{1d7ce}`.slice(-64)]);
    assert.deepEqual([tokens.length, invalid.length], [0, 2]);
  });

  it('keeps personal parts with their recipient and apart from shared ones', () => {
    const apnsId = '01234567-89AB-cdef-0123-456789abcdef';
    const { batches } = pack([
      { token: token(1), payload: { n: 1 } },
      token(2),
      { token: token(3), payload: { n: 33 } },
      { token: token(4), apnsId },
    ]);
    assert.equal(batches.length, 3);
    const [shared, payloads, ids] = batches;
    assert.equal(shared!.personal, null);
    assert.deepEqual([...payloads!.personal!.payloadOffsets!], [0, 7, 15]);
    assert.equal(Buffer.from(payloads!.personal!.payloads!).toString(), '{"n":1}{"n":33}');
    assert.equal(payloads!.personal!.apnsIds, null);
    assert.equal(Buffer.from(ids!.personal!.apnsIds!).toString('hex'), apnsId.replaceAll('-', '').toLowerCase());
  });

  it('takes a bad personal payload or apns-id as an invalid recipient', () => {
    const { invalid } = pack([
      { token: token(1), payload: 'bad' },
      { token: token(2), apnsId: 'x\r\ny' },
    ]);
    assert.deepEqual(
      invalid.map(({ why }) => why),
      ['has a payload that may not be sent: too large', 'has an apnsId that is not a UUID'],
    );
  });

  it('keeps header fields with their recipient, one batch for each set of them', () => {
    const { batches, invalid } = pack([
      { token: token(1), collapseId: 'a' },
      { token: token(2), collapseId: 'news-22', expiration: '1h' },
      { token: token(3), collapseId: 'bb' },
      { token: token(4), expiration: 0, collapseId: 'c', priority: 5 },
      { token: token(5), expiration: new Date(1_900_000_000_500), collapseId: 'x' },
    ]);
    assert.deepEqual(invalid, []);
    const shown = batches.map(({ tokens, personal }) => {
      const { expirations, priorities, collapseIds, collapseIdOffsets } = personal!.fields!;
      return {
        tokens: [...new RecipientList([{ tokens, personal }])].map((hex) => Number.parseInt(hex, 16)),
        expirations: expirations === null ? null : [...expirations],
        priorities: priorities === null ? null : [...priorities],
        ids: [Buffer.from(collapseIds!).toString(), ...collapseIdOffsets!],
      };
    });
    assert.deepEqual(shown, [
      { tokens: [1, 3], expirations: null, priorities: null, ids: ['abb', 0, 1, 3] },
      { tokens: [2, 5], expirations: [1_700_003_600, 1_900_000_000], priorities: null, ids: ['news-22x', 0, 7, 8] },
      { tokens: [4], expirations: [0], priorities: [5], ids: ['c', 0, 1] },
    ]);
  });

  it('fills whole batches also where every collapse id is another', () => {
    const { batches } = pack(Array.from({ length: 2100 }, (_, i) => ({ token: token(i), collapseId: `id-${i}` })));
    assert.deepEqual(
      batches.map(({ tokens }) => tokens.count),
      [1024, 1024, 52],
    );
  });

  const refusals: readonly (readonly [recipient: object, why: RegExp])[] = [
    [{ collapseID: 'x' }, /^has an unknown property "collapseID": write collapseId$/],
    [{ 'collapse-id': 'x' }, /"collapse-id": write collapseId$/],
    [{ 'apns-collapse-id': 'x' }, /"apns-collapse-id": write collapseId$/],
    [{ paylaod: {} }, /"paylaod": did you mean payload\?$/],
    [{ 'thread-id': 'x' }, /"thread-id": write threadId, and it belongs into the message, or into a payload/],
    [{ badge: 3 }, /"badge": it belongs into the message, or into a payload of the recipient's own$/],
    [{ topic: 'x' }, /"topic": it belongs into the message/],
    [{ zzz: undefined }, /"zzz": it knows token, apnsId, payload, expiration, priority, collapseId$/],
    [{ collapseId: '' }, /^has a collapseId that APNs does not allow: it must be 1 to 64 visible/],
    [{ collapseId: 'x'.repeat(65) }, /^has a collapseId that has 65 bytes, more than 64$/],
    [{ collapseId: 'a\nb' }, /^has a collapseId that APNs does not allow: it must be/],
    [{ expiration: 3600 }, /^has an expiration that lies before 2001: give epoch seconds of a later time/],
    [{ expiration: 1_900_000_000_000 }, /give seconds, not milliseconds$/],
    [{ expiration: { seconds: 5, x: 1 } }, /^has an expiration that has an unknown property: give \{ seconds \}/],
    [{ expiration: 'soon' }, /^has an expiration that is not a time: give epoch seconds, a Date/],
    [{ priority: 7 }, /^has a priority that is not 10, 5 or 1$/],
    [{ priority: '5' }, /^has a priority that is not 10, 5 or 1$/],
  ];
  for (const [own, why] of refusals) {
    it(`refuses a recipient with ${JSON.stringify(own)}, and says why`, () => {
      const { invalid, tokens } = pack([token(1), { token: token(2), ...own } as Recipient, token(3)]);
      assert.deepEqual(tokens, [token(1), token(3)]);
      assert.deepEqual([invalid.length, invalid[0]!.index, invalid[0]!.text], [1, 1, token(2)]);
      assert.match(invalid[0]!.why, why);
    });
  }

  it('knows what a background push and a binary gateway allow a recipient', () => {
    const read = (recipient: object, pushType: 'alert' | 'background', protocol: 'http2' | 'binary') =>
      ownFieldsOf({ token: token(1), ...recipient }, { pushType, protocol });
    assert.match(String(read({ priority: 10 }, 'background', 'http2')), /does not go with pushType background/);
    assert.match(String(read({ priority: 1 }, 'alert', 'binary')), /priority 1, which a binary gateway does not know/);
    assert.match(String(read({ collapseId: 'x' }, 'alert', 'binary')), /binary gateway cannot be told/);
    assert.equal((read({ priority: 5, expiration: 0 }, 'background', 'binary') as OwnFields).mask, 3);
  });

  describe('with a list that was kept from a send over HTTP/2', () => {
    const kept = (...recipients: Recipient[]): RecipientList => new RecipientList(pack(recipients).batches);
    const binary = { pushType: 'alert', protocol: 'binary' } as const;
    const rows: readonly [string, object, typeof binary | { pushType: 'background'; protocol: 'http2' }, string][] = [
      [
        'a collapse id to a binary gateway',
        { collapseId: 'a' },
        binary,
        'has a collapseId, which a binary gateway cannot be told',
      ],
      [
        'the priority 1 to a binary gateway',
        { priority: 1 },
        binary,
        'has the priority 1, which a binary gateway does not know',
      ],
      [
        'the priority 10 with a background push',
        { priority: 10 },
        { pushType: 'background', protocol: 'http2' },
        'has a priority that does not go with pushType background: it must be 5, or left out',
      ],
    ];
    for (const [title, own, way, why] of rows) {
      it(`refuses ${title}, as from a recipient that is an object, and sends to the others`, () => {
        const [apnsId, payload] = ['12345678-1234-4234-9234-123456789abc', { a: 'ü' }];
        const unfit = { token: token(1), apnsId, payload, ...own } as Recipient;
        const fit = { token: token(2), apnsId, payload, priority: 5 } as const;
        const { batches, invalid, tokens } = pack([kept(unfit, fit, token(3)), unfit], false, way);
        assert.deepEqual(tokens.sort(), [token(2), token(3)]);
        assert.deepEqual(
          invalid.map(({ text, why }) => [text, why]),
          [
            [token(1), why],
            [token(1), why],
          ],
        );
        const { personal } = batches.find(({ tokens }) => tokens.textAt(0) === token(2))!;
        assert.equal(Buffer.from(personal!.payloads!).toString(), '{"a":"ü"}');
        assert.equal(Buffer.from(personal!.apnsIds!).toString('hex'), apnsId.replaceAll('-', ''));
        assert.deepEqual(personal!.fields!.priorities, Uint8Array.of(5));
      });
    }

    it('refuses a payload that may not be sent this time', () => {
      const list = kept(...[1, 2, 3].map((n) => ({ token: token(n), payload: { n } })));
      const invalid: InvalidRecipient[] = [];
      const packer = new Packer({
        encodePayload: (payload) => {
          if (Buffer.from(payload as Uint8Array).includes('2'))
            throw new PealError('ERR_PEAL_PAYLOAD', 'too large', { origin: 'usage' });
          return payload as Uint8Array;
        },
        onInvalid: (recipient) => invalid.push(recipient),
      });
      packer.add(list);
      assert.deepEqual([...new RecipientList(packer.flush())], [token(1), token(3)]);
      assert.deepEqual(invalid, [{ index: 1, text: token(2), why: 'has a payload that may not be sent: too large' }]);
    });

    it('sends what fits as it is packed', () => {
      const list = kept(
        { token: token(1), expiration: 0 },
        { token: token(2), expiration: 1_900_000_000, priority: 10 },
      );
      const { batches } = pack([list], false, binary);
      assert.deepEqual(batches, list.batches);
      assert.equal(batches[0], list.batches[0]);
    });
  });

  it('takes nobody without a payload where the message has none', () => {
    const kept = pack([{ token: token(7), payload: { a: 1 } }]).batches;
    const recipients = [token(1), block(2, 10), { token: token(2), payload: { a: 1 } }, { token: token(3) }];
    const lists = [new RecipientList(kept), new RecipientList(pack([block(3, 20)]).batches), 'no token'];
    const { tokens, invalid } = pack([...recipients, ...lists], true);
    assert.deepEqual(tokens.sort(), [token(2), token(7)]);
    assert.deepEqual(
      invalid.map(({ index }) => index),
      [0, 1, 2, 4, 6, 7, 8, 9],
    );
    for (const { why } of invalid.slice(0, 7)) assert.equal(why, 'has no payload of its own, and the message has none');
    assert.notEqual(invalid[7]!.why, invalid[0]!.why);
  });

  it('sends large blocks in place and gathers small ones', () => {
    const large = block(2600);
    const { batches } = pack([large, block(300, 5000), block(300, 6000)]);
    assert.deepEqual(
      batches.map(({ tokens }) => tokens.count),
      [1024, 1024, 552, 600],
    );
    assert.equal(batches[0]!.tokens.bytes.buffer, large.bytes.buffer);
    assert.notEqual(batches[3]!.tokens.bytes.buffer, large.bytes.buffer);
  });

  it('refuses a block whose numbers do not fit its bytes', () => {
    assert.throws(() => pack([new TokenBlock(new Uint8Array(31), 32, 1)]), { code: 'ERR_PEAL_TOKEN' });
    assert.throws(() => pack([new TokenBlock(new Uint8Array(200), 200, 1)]), { code: 'ERR_PEAL_TOKEN' });
  });

  it('loses, repeats and changes no token, whatever the mixture', () => {
    const hexToken = fc.uint8Array({ minLength: 16, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const single = hexToken.chain((hex) =>
      fc.constantFrom<Recipient>(hex, Buffer.from(hex, 'hex'), { token: hex, payload: { hex } }),
    );
    const many = fc.tuple(fc.integer({ min: 1, max: 1300 }), fc.nat(99)).map(([count, first]) => block(count, first));
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 9, arbitrary: single }, { weight: 1, arbitrary: many }), { maxLength: 60 }),
        (recipients) => {
          const { batches, tokens, invalid } = pack(recipients);
          const expected = recipients.flatMap(hexOf);
          assert.deepEqual(tokens.sort(), expected.sort());
          assert.deepEqual(invalid, []);
          for (const batch of batches) assert.ok(batch.tokens.count >= 1 && batch.tokens.count <= 1024);
        },
      ),
      { numRuns: 60 },
    );
  });

  describe('where every recipient is to have an apns-id', () => {
    const own = '0f0e0d0c-0b0a-4908-8706-050403020100';

    function packNamed(recipients: readonly Recipient[]): Batch[] {
      let next = 0;
      const randomBytes = (bytes: Uint8Array): Uint8Array => bytes.map((_, at) => (bytes[at] = next++ & 0xff));
      const packer = new Packer({ encodePayload, onInvalid: () => assert.fail(), namesAll: true, randomBytes });
      for (const recipient of recipients) packer.add(recipient);
      return [...packer.takeFull(), ...packer.flush()];
    }

    const idsOf = ({ tokens, personal }: Batch): string[] =>
      Array.from({ length: tokens.count }, (_, i) =>
        Buffer.from(personal!.apnsIds!.subarray(i * 16, i * 16 + 16)).toString('hex'),
      );

    it('makes a random UUID for each that brings none, in blocks, too', () => {
      const batches = packNamed([block(1500), token(9), { token: token(10), payload: { a: 1 } }]);
      const ids = batches.flatMap(idsOf);
      assert.equal(ids.length, 1502);
      for (const id of ids) assert.match(id, /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
      assert.equal(new Set(packWithChance(1500)).size, 1500, 'by chance no two are the same');
      assert.ok(batches.some(({ personal }) => personal!.payloads !== null && personal!.payloadOffsets !== null));
    });

    it('leaves those that recipients bring alone', () => {
      const [batch] = packNamed([{ token: token(1), apnsId: own }]);
      assert.deepEqual(idsOf(batch!), [own.replaceAll('-', '')]);
    });

    function packWithChance(count: number): string[] {
      const packer = new Packer({ encodePayload, onInvalid: () => assert.fail(), namesAll: true });
      packer.add(block(count));
      return packer.flush().flatMap(idsOf);
    }
  });
});

function hexOf(recipient: Recipient): string[] {
  if (typeof recipient === 'string') return [recipient];
  if (recipient instanceof Uint8Array) return [Buffer.from(recipient).toString('hex')];
  if (recipient instanceof TokenBlock) return Array.from({ length: recipient.count }, (_, i) => recipient.textAt(i));
  return recipient instanceof RecipientList ? [...recipient] : hexOf(recipient.token);
}
