import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CampaignInput, type InputBlock } from '../../../src/campaign/input/campaign-input.js';
import { recordBlocks } from '../../../src/campaign/input/record-rows.js';
import { blockDigest } from '../../../src/campaign/journal/block-digest.js';
import { DuplicateFilter } from '../../../src/campaign/recipients/duplicate-filter.js';
import { mixedForm, type TokenForm, textForm } from '../../../src/campaign/recipients/token-form.js';
import type { InvalidLine } from '../../../src/campaign/recipients/token-lines.js';

/** A registration token of `length` characters. */
const fcmToken = (index: number, length = 163): string =>
  `${String(index).padStart(22, 'a')}:APA91b${'x_-9Z'.repeat(300)}`.slice(0, length);

const hexToken = (index: number): string => index.toString(16).padStart(64, '0');

describe('campaign/recipients/token-form', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-token-form-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  interface Taken {
    readonly blocks: readonly InputBlock[];
    readonly invalid: readonly InvalidLine[];
    readonly columns: readonly string[];
  }

  async function read(name: string, text: string, tokens: TokenForm, more = {}): Promise<Taken> {
    const file = path.join(folder, name);
    await writeFile(file, text);
    const invalid: InvalidLine[] = [];
    const onInvalid = (line: InvalidLine): void => void invalid.push(line);
    const input = await CampaignInput.open({ files: [file], isRepeatable: true, onInvalid, tokens, ...more });
    const blocks: InputBlock[] = [];
    for await (const block of input) blocks.push(block);
    return { blocks, invalid, columns: input.columns };
  }

  const textsOf = ({ blocks }: Taken): string[] =>
    blocks.flatMap(({ rows }) => Array.from({ length: rows.count }, (_, index) => rows.tokens.textAt(index)));

  it('reads registration tokens, one a line, as the text that they are', async () => {
    const list = Array.from({ length: 3000 }, (_, index) => fcmToken(index, index % 3 === 0 ? 152 : 163));
    const taken = await read('tokens.txt', `${list.join('\n')}\n`, textForm());
    assert.deepEqual(textsOf(taken).toSorted(), list.toSorted());
    assert.ok(taken.blocks.every(({ rows }) => rows.tokens.encoding === 'text'));
    assert.equal(taken.blocks.length, 3, 'one block for the shorter, two for the longer ones');
    assert.deepEqual(taken.columns, []);
  });

  it('cuts a list into the same blocks in every run, whatever the lengths of its tokens', async () => {
    const list = Array.from({ length: 5000 }, (_, index) => fcmToken(index, 100 + ((index * 7919) % 120)));
    for (const [name, text] of [
      ['tokens.txt', `${list.join('\n')}\n`],
      ['tokens.csv', `token,name\n${list.map((token, index) => `${token},n${index}\n`).join('')}`],
    ] as const) {
      const first = await read(name, text, textForm());
      const second = await read(name, text, textForm());
      assert.deepEqual(textsOf(first).toSorted(), list.toSorted());
      const digests = ({ blocks }: Taken): string[] =>
        blocks.map(({ rows }) => Buffer.from(blockDigest(rows)).toString('hex'));
      assert.deepEqual(digests(first), digests(second));
    }
  });

  it('tells of lines that hold no registration token, and why', async () => {
    const list = [fcmToken(1), hexToken(2), 'two words of sixteen', 'short', '', fcmToken(3)];
    const taken = await read('tokens.txt', list.join('\r\n'), textForm(), { format: 'list' });
    assert.deepEqual(textsOf(taken), [fcmToken(1), fcmToken(3)]);
    assert.deepEqual(
      taken.invalid.map(({ line, why }) => [line, why.slice(0, 30)]),
      [
        [2, 'is a device token of APNs (hex'],
        [3, 'has a blank, which no registra'],
        [4, 'has 5 characters; a registrati'],
      ],
    );
  });

  it('tells of a last line that was probably cut off', async () => {
    const taken = await read('tokens.txt', `${fcmToken(1)}\n${fcmToken(2, 60)}`, textForm());
    assert.deepEqual(textsOf(taken), [fcmToken(1)]);
    assert.match(taken.invalid[0]!.why, /shorter than every token before it/);
  });

  for (const [format, text] of [
    ['csv', `user,push,name\n1,${fcmToken(1)},Ann\n2,${fcmToken(2, 152)},Ben\n3,${fcmToken(1)},Cem\n`],
    [
      'ndjson',
      [
        { user: 1, push: fcmToken(1), name: 'Ann' },
        { user: 2, push: fcmToken(2, 152), name: 'Ben' },
        { user: 3, push: fcmToken(1), name: 'Cem' },
      ]
        .map((row) => `${JSON.stringify(row)}\n`)
        .join(''),
    ],
    [
      'json',
      JSON.stringify([
        { user: 1, push: fcmToken(1), name: 'Ann' },
        { user: 2, push: fcmToken(2, 152), name: 'Ben' },
        { user: 3, push: fcmToken(1), name: 'Cem' },
      ]),
    ],
  ] as const) {
    it(`finds the column of registration tokens in ${format}, and drops tokens that came before`, async () => {
      const taken = await read(`users.${format}`, text, textForm(), { duplicates: new DuplicateFilter() });
      assert.deepEqual(textsOf(taken).toSorted(), [fcmToken(1), fcmToken(2, 152)].toSorted());
      const names = taken.blocks.flatMap(({ rows }) =>
        Array.from({ length: rows.count }, (_, index) => rows.text(index, 'name')),
      );
      assert.deepEqual(names.toSorted(), ['Ann', 'Ben']);
      assert.deepEqual(taken.invalid, []);
    });
  }

  it('tells tokens apart that differ in their last character alone', async () => {
    const tokens = ['a', 'b'].map((last) => `${fcmToken(1, 999)}${last}`);
    const list = `${[...tokens, ...tokens].join('\n')}\n`;
    const taken = await read('tokens.txt', list, textForm(), { duplicates: new DuplicateFilter() });
    assert.deepEqual(textsOf(taken), tokens);
  });

  it('reads both kinds of one table, by the column that says which', async () => {
    const rows = [
      ['iOS', hexToken(1)],
      ['android', fcmToken(2)],
      ['apple', hexToken(3)],
      ['web', fcmToken(4, 152)],
      ['windows', fcmToken(5)],
      ['', hexToken(6)],
      ['android', hexToken(7)],
      ['ios', fcmToken(8)],
    ];
    const text = `os,token\n${rows.map((row) => `${row.join(',')}\n`).join('')}`;
    const taken = await read('users.csv', text, mixedForm('os'));
    const by = (encoding: string): string[] =>
      textsOf({ ...taken, blocks: taken.blocks.filter(({ rows: { tokens } }) => tokens.encoding === encoding) });
    assert.deepEqual(by('hex'), [hexToken(1), hexToken(3)]);
    assert.deepEqual(by('text').toSorted(), [fcmToken(2), fcmToken(4, 152)].toSorted());
    assert.deepEqual(
      taken.invalid.map(({ line, why }) => [line, why]),
      [
        [6, 'has the platform "windows" in its column "os": write ios or android'],
        [7, 'has no platform in its column "os": write ios or android'],
        [8, 'is a device token of APNs (hex digits): send it through APNs, or give the registration token of FCM'],
        [9, 'is a registration token of FCM: send it through FCM, or give the device token of APNs'],
      ],
    );
  });

  it('reads the registration tokens of a program, as texts, bytes and objects', async () => {
    const invalid: string[] = [];
    const list = [fcmToken(1), Buffer.from(fcmToken(2)), hexToken(3), { token: fcmToken(4), name: 'Ann' }];
    const options = {
      tokenColumn: 'token',
      minTokenBytes: 16,
      isRepeatable: true,
      tokens: textForm(),
      onInvalid: ({ why }: { readonly why: string }) => void invalid.push(why),
    };
    const texts: string[] = [];
    for await (const { tokens, count } of recordBlocks(list, options)) {
      for (let index = 0; index < count; index++) texts.push(tokens.textAt(index));
    }
    assert.deepEqual(texts, [fcmToken(1), fcmToken(2), fcmToken(4)]);
    assert.match(invalid.join(), /^is a device token of APNs/);
  });
});
