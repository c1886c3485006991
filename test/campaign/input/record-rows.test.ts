import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { PealError } from '../../../src/base/errors.js';
import { type CampaignRecipient, recordBlocks } from '../../../src/campaign/input/record-rows.js';
import { blockDigest } from '../../../src/campaign/journal/block-digest.js';
import { TableRows } from '../../../src/campaign/tables/table-rows.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Rows } from '../../../src/session/recipients/rows.js';
import { leastRatio } from '../../support/cpu-time.js';
import { token } from '../tables/read-table.js';

type Options = Parameters<typeof recordBlocks>[1];
type Given = Iterable<CampaignRecipient> | AsyncIterable<CampaignRecipient>;

interface Read {
  readonly blocks: readonly Rows[];
  /** "token cell cell", in the order of the columns of the block; empty cells are `-`. */
  readonly rows: readonly string[];
  readonly invalid: readonly string[];
}

const options = (invalid: string[], more: Partial<Options> = {}): Options => ({
  tokenColumn: 'token',
  minTokenBytes: 16,
  isRepeatable: true,
  onInvalid: ({ index, text, why }) => void invalid.push(`${index} "${text}" ${why}`),
  ...more,
});

const cellsOf = (rows: Rows): string[] =>
  Array.from({ length: rows.count }, (_, index) => {
    const names = [...rows.columns.keys()].filter((name) => name !== 'token');
    return [rows.tokens.textAt(index).slice(0, 8), ...names.map((name) => rows.text(index, name) ?? '-')].join(' ');
  });

async function read(given: Given, more: Partial<Options> = {}): Promise<Read> {
  const invalid: string[] = [];
  const blocks: Rows[] = [];
  for await (const rows of recordBlocks(given, options(invalid, more))) blocks.push(rows);
  return { blocks, rows: blocks.flatMap(cellsOf), invalid };
}

/** The same recipients as an async stream, with a pause before some of them. */
async function* streamOf(given: Iterable<CampaignRecipient>, pauseBefore: (index: number) => boolean = () => false) {
  let index = 0;
  for (const recipient of given) {
    if (pauseBefore(index++)) await sleep(25);
    yield recipient;
  }
}

const short = (index: number): string => token(index).slice(0, 8);
const blockOf = (from: number, count: number): TokenBlock =>
  new TokenBlock(Buffer.from(Array.from({ length: count }, (_, at) => token(from + at)).join(''), 'hex'), 32, count);
const record = (index: number): CampaignRecipient => ({ id: index, token: token(index), name: `n${index}` });
const records = (count: number): CampaignRecipient[] => Array.from({ length: count }, (_, index) => record(index));
const digestsOf = (blocks: readonly Rows[]): string[] =>
  blocks.map((rows) => Buffer.from(blockDigest(rows)).toString('hex'));

describe('campaign/input/record-rows', () => {
  it('packs texts into blocks without columns', async () => {
    const { blocks, rows, invalid } = await read(Array.from({ length: 2500 }, (_, index) => token(index)));
    assert.deepEqual(
      blocks.map(({ count, columns }) => [count, columns.size]),
      [
        [1024, 0],
        [1024, 0],
        [452, 0],
      ],
    );
    assert.deepEqual([rows[0], rows[2499], invalid], [short(0), short(2499), []]);
  });

  it('takes tokens as bytes, in every form of text, and of other lengths', async () => {
    const base64 = Buffer.from(token(2), 'hex').toString('base64');
    const given = [Buffer.from(token(0), 'hex'), Buffer.from(token(1)), base64, `<${token(3)}>`, 'ab'.repeat(20)];
    const { blocks, rows } = await read(given);
    assert.deepEqual([...rows].sort(), [short(0), short(1), short(2), short(3), 'abababab'].sort());
    assert.deepEqual(blocks.map(({ tokens }) => tokens.tokenBytes).sort(), [20, 32]);
  });

  it('packs an object for each recipient, with its fields as text', async () => {
    const { blocks, rows } = await read(records(1500));
    assert.deepEqual(
      blocks.map(({ count, columns }) => [count, [...columns.keys()].join()]),
      [
        [1024, 'id,token,name'],
        [476, 'id,token,name'],
      ],
    );
    assert.deepEqual([rows[7], rows[1499]], [`${short(7)} 7 n7`, `${short(1499)} 1499 n1499`]);
    assert.equal(blocks[0]!.text(3, 'token'), token(3));
    const lines = blocks.map((block) => (block as TableRows).lines);
    assert.deepEqual([lines[0]![0], lines[1]![0], blocks[0] instanceof TableRows], [1, 1025, true]);
  });

  it('writes each kind of value as text, and knows what is missing', async () => {
    const values = {
      text: 'Zoë 🎉',
      longText: 'ü'.repeat(40_000),
      number: -1.5,
      big: 12345678901234567890n,
      yes: true,
      date: new Date(Date.UTC(2026, 10, 28, 12)),
      json: { a: [1, null, 'x'] },
      bytes: Buffer.from([0xff, 0x00]),
      utf8: Buffer.from('Zoë'),
      nothing: null,
      undef: undefined,
      nan: Number.NaN,
      empty: '',
      noDate: new Date(Number.NaN),
      noJson: { toJSON: () => undefined },
      half: 'a\ud800b',
    };
    const { blocks } = await read([{ token: token(0), ...values }]);
    const texts = Object.fromEntries(Object.keys(values).map((name) => [name, blocks[0]!.text(0, name)]));
    assert.deepEqual(texts, {
      text: values.text,
      longText: values.longText,
      number: '-1.5',
      big: '12345678901234567890',
      yes: 'true',
      date: '2026-11-28T12:00:00.000Z',
      json: '{"a":[1,null,"x"]}',
      bytes: 'ff00',
      utf8: 'Zoë',
      nothing: null,
      undef: null,
      nan: null,
      empty: null,
      noDate: null,
      noJson: null,
      half: 'a\ufffdb',
    });
  });

  it('takes the token from another column, also as bytes', async () => {
    const given = [{ device: Buffer.from(token(5), 'hex'), user: 5 }];
    const { blocks } = await read(given, { tokenColumn: 'device' });
    assert.deepEqual([blocks[0]!.tokens.textAt(0), blocks[0]!.text(0, 'user')], [token(5), '5']);
    assert.equal(blocks[0]!.text(0, 'device'), token(5));
  });

  it('keeps an object that lacks a field in the block, and begins one where a field is new', async () => {
    const given = [
      { token: token(0), a: 1, b: 2 },
      { token: token(1), a: 3 },
      { b: 4, token: token(2) },
      token(3),
      { token: token(4), c: 5 },
      { a: 6, token: token(5), b: 7 },
    ];
    const { blocks, rows } = await read(given);
    assert.deepEqual(
      blocks.map(({ count }) => count),
      [4, 2],
    );
    const expected = [`${short(0)} 1 2`, `${short(1)} 3 -`, `${short(2)} - 4`, `${short(3)} - -`];
    assert.deepEqual(rows, [...expected, `${short(4)} - - 5`, `${short(5)} 6 7 -`]);
  });

  it('hands on rows and blocks where they stand, and cuts blocks of more than 1,024', async () => {
    const rows = new Rows(blockOf(10, 3), { name: ['a', 'b', 'c'] });
    const given = [token(0), rows, { token: token(1), x: 1 }, blockOf(100, 2500), blockOf(0, 0), token(2)];
    const { blocks, rows: texts } = await read(given);
    assert.deepEqual(
      blocks.map(({ count }) => count),
      [1, 3, 1, 1024, 1024, 452, 1],
    );
    assert.equal(blocks[1], rows);
    assert.deepEqual([texts[5], texts[2504], texts.at(-1)], [short(100), short(2599), `${short(2)} -`]);
  });

  it('tells of each recipient that is none, by its place, without ending', async () => {
    const circular = { self: {} };
    circular.self = circular;
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`f${index}`, index]));
    const given = [
      'abc',
      blockOf(0, 5),
      7 as unknown as string,
      null as unknown as string,
      [token(1)] as unknown as string,
      { name: 'Zoë', id: 7 },
      { token: '  ', name: null },
      { token: token(1), name: circular },
      { token: token(2), ...many },
      { token: token(2), name: 'x'.repeat((1 << 20) + 1) },
      { token: 'nonsense', name: 'Bo' },
      { token: token(3), name: 'Al' },
    ];
    const { rows, invalid } = await read(given);
    assert.deepEqual(invalid, [
      '0 "abc" has 3 hex digits, an odd number',
      '6 "of type number" is of type number, not a device token',
      '7 "null" is null, not a device token',
      '8 "an array" is an array, not a device token',
      '9 "Zoë 7" has no device token in its column "token"',
      '10 "" has no device token in its column "token"',
      `11 "${token(1)}" has a value in its field "name" that cannot be JSON`,
      `12 "${token(2)}" has more than 1000 fields`,
      `13 "${token(2)}" has fields of more than 1048576 bytes`,
      '14 "nonsense" is neither hex nor base64 of a device token',
    ]);
    assert.equal(rows.length, 6);
  });

  it('tells of an object that has the token alone, and not even that', async () => {
    const { rows, invalid } = await read([{ token: ' ' }, { token: token(0) }, { token: null }, {}]);
    const why = 'has no device token in its field "token"';
    assert.deepEqual([rows, invalid], [[short(0)], [`0 " " ${why}`, `2 "" ${why}`, `3 "" ${why}`]]);
  });

  it('refuses a block whose numbers do not fit its bytes', async () => {
    await assert.rejects(read([new TokenBlock(new Uint8Array(10), 32, 2)]), { code: 'ERR_PEAL_TOKEN' });
  });

  it('makes the same blocks however the stream pauses', async () => {
    const given = [...records(1500), token(9), { token: token(10), extra: 1 }, ...records(700)];
    const [array, stream, slow] = await Promise.all([
      read(given),
      read(streamOf(given)),
      read(streamOf(given, (index) => index % 800 === 700)),
    ]);
    assert.deepEqual(digestsOf(stream.blocks), digestsOf(array.blocks));
    assert.deepEqual(digestsOf(slow.blocks), digestsOf(array.blocks));
    assert.equal(array.blocks.length, 3);
  });

  it('hands out what it has where the stream pauses, if the blocks need not be the same again', async () => {
    const given = streamOf(records(10), (index) => index === 4 || index === 7);
    const { blocks, rows } = await read(given, { isRepeatable: false });
    assert.deepEqual(
      blocks.map(({ count }) => count),
      [4, 3, 3],
    );
    assert.equal(rows.length, 10);
  });

  it('loses nothing of a stream that answers while its consumer is busy', async () => {
    const given = streamOf(records(6), (index) => index > 0);
    const rows: string[] = [];
    for await (const block of recordBlocks(given, options([], { isRepeatable: false }))) {
      rows.push(...cellsOf(block));
      await sleep(40);
    }
    assert.deepEqual(
      rows.map((row) => row.split(' ')[1]),
      ['0', '1', '2', '3', '4', '5'],
    );
  });

  for (const kind of ['generator', 'async generator'] as const) {
    describe(`a stream that is ${kind === 'generator' ? 'a' : 'an'} ${kind}`, () => {
      let pulled = 0;
      let isClosed = false;
      function* given(fault: Error | null = null): Generator<CampaignRecipient> {
        try {
          for (;;) {
            if (fault !== null && pulled === 1500) throw fault;
            yield record(pulled++);
          }
        } finally {
          isClosed = true;
        }
      }
      const source = (fault?: Error): Given => (kind === 'generator' ? given(fault) : streamAll(given(fault)));
      async function* streamAll(all: Generator<CampaignRecipient>): AsyncGenerator<CampaignRecipient> {
        yield* all;
      }

      beforeEach(() => {
        pulled = 0;
        isClosed = false;
      });

      it('is pulled from only as far as its blocks are asked for, and closed where the consumer leaves', async () => {
        const blocks = recordBlocks(source(), options([]));
        await sleep(5);
        assert.equal(pulled, 0);
        for (let block = 1; block <= 3; block++) {
          assert.equal((await blocks.next()).value?.count, 1024);
          await sleep(5);
          assert.equal(pulled, block * 1024);
        }
        assert.equal(isClosed, false);
        await blocks.return();
        assert.deepEqual([isClosed, pulled], [true, 3 * 1024]);
      });

      it('ends with what it throws, as it is', async () => {
        const fault = new Error('the database went away');
        for (const isRepeatable of [true, false]) {
          pulled = 0;
          let rows = 0;
          const reading = async (): Promise<void> => {
            for await (const { count } of recordBlocks(source(fault), options([], { isRepeatable }))) rows += count;
          };
          await assert.rejects(reading, (error) => error === fault);
          // A block that another reading would not give is not handed out where blocks have to be the same.
          assert.equal(rows, isRepeatable ? 1024 : 1500);
        }
      });

      it('ends by a signal', async () => {
        for (const isRepeatable of [true, false]) {
          pulled = 0;
          const abort = new AbortController();
          let rows = 0;
          for await (const { count } of recordBlocks(source(), options([], { isRepeatable, signal: abort.signal }))) {
            rows += count;
            abort.abort();
          }
          assert.deepEqual([rows, pulled, isClosed], [1024, 1024, true]);
        }
      });
    });
  }

  it('ends by a signal where it waits for a stream that gives nothing, and closes the stream', async () => {
    for (const isRepeatable of [true, false]) {
      let isReturned = false;
      let given = 0;
      const never: AsyncIterable<CampaignRecipient> = {
        [Symbol.asyncIterator]: () => ({
          next: () => (given++ < 3 ? Promise.resolve({ value: record(given) }) : new Promise(() => {})),
          return: () => {
            isReturned = true;
            return new Promise(() => {});
          },
        }),
      };
      const { signal } =
        AbortSignal.timeout === undefined ? new AbortController() : { signal: AbortSignal.timeout(60) };
      const { rows } = await read(never, { isRepeatable, signal });
      assert.deepEqual([rows.length, isReturned], [isRepeatable ? 0 : 3, true]);
    }
  });

  it('closes a stream after an invalid block of it, and after what the taker of invalid ones throws', async () => {
    for (const bad of [new TokenBlock(new Uint8Array(1), 32, 1), 'x']) {
      let isClosed = false;
      const given = (async function* (): AsyncGenerator<CampaignRecipient> {
        try {
          yield bad;
          yield token(1);
        } finally {
          isClosed = true;
        }
      })();
      const onInvalid = (): void => {
        throw new PealError('ERR_PEAL_INPUT', 'The disk is full.', { origin: 'input' });
      };
      await assert.rejects(read(given, { onInvalid }), PealError);
      assert.equal(isClosed, true);
    }
  });

  it('takes twice as long for twice as many', async () => {
    const cost = async (count: number): Promise<number> => {
      const costs: number[] = [];
      for (let round = 0; round < 5; round++) {
        const before = process.cpuUsage();
        let rows = 0;
        for await (const block of recordBlocks(some(count), options([]))) rows += block.count;
        const { user, system } = process.cpuUsage(before);
        assert.equal(rows, count);
        costs.push(user + system);
      }
      return Math.min(...costs);
    };
    const tokens = Array.from({ length: 1000 }, (_, index) => token(index));
    function* some(count: number): Generator<CampaignRecipient> {
      for (let n = 0; n < count; n++) yield { id: n, token: tokens[n % 1000]!, locale: 'de', name: 'Zoë' };
    }
    await cost(60_000);
    const ratio = await leastRatio(7, async () => (await cost(240_000)) / (await cost(60_000)));
    assert.ok(ratio < 7, `4 times as many records cost ${ratio.toFixed(1)} times as much`);
  });
});
