import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TokenBlock } from '../../../src/apns/token-block.js';
import { Outputs } from '../../../src/cli/send/outputs.js';

describe('the files of --out', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
  const block = (count: number): TokenBlock => {
    const bytes = new Uint8Array(count * 4).map((_, index) => index);
    return new TokenBlock(bytes, 4, count);
  };
  const linesOf = ({ bytes }: TokenBlock): string =>
    Buffer.from(bytes)
      .toString('hex')
      .replaceAll(/.{8}/g, (token) => `${token}\n`);

  it('have their names only once they are whole', async () => {
    const outputs = await Outputs.open(folder, []);
    outputs.unsent(block(2), 0, 2);
    assert.ok(readdirSync(folder).every((name) => name.endsWith('.partial') || name.startsWith('.peal-')));
    await outputs.publish();
    assert.deepEqual(readdirSync(folder).sort(), ['invalid.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt']);
    assert.equal(read('unsent.txt'), '00010203\n04050607\n');
  });

  it('take part of a block', async () => {
    const outputs = await Outputs.open(folder, []);
    outputs.unknown(block(4), 1, 3);
    await outputs.publish();
    assert.equal(read('unknown.txt'), '04050607\n08090a0b\n');
  });

  it('hold much more than a buffer, in order, and ask the writer to wait meanwhile', async () => {
    const outputs = await Outputs.open(folder, []);
    const tokens = block(1000);
    let waits = 0;
    for (let round = 0; round < 1000; round++) {
      outputs.unsent(tokens, 0, 1000);
      const pressure = outputs.pressure();
      if (pressure !== null) waits++;
      await pressure;
    }
    await outputs.publish();
    assert.ok(waits > 0);
    const expected = linesOf(tokens);
    assert.ok(read('unsent.txt') === expected.repeat(1000));
  });

  it('never write through a link that waits under their name', async () => {
    const victim = path.join(folder, 'victim');
    writeFileSync(victim, 'untouched');
    mkdirSync(path.join(folder, 'out'));
    symlinkSync(victim, path.join(folder, 'out', 'unsent.txt'));
    const outputs = await Outputs.open(path.join(folder, 'out'), [], { force: true });
    outputs.unsent(block(1), 0, 1);
    await outputs.publish();
    assert.equal(read('victim'), 'untouched');
    assert.equal(read('out/unsent.txt'), '00010203\n');
  });

  it('refuse to replace what the command reads, also behind a link', async () => {
    writeFileSync(path.join(folder, 'unsent.txt'), 'tokens');
    symlinkSync(path.join(folder, 'unsent.txt'), path.join(folder, 'list'));
    const opening = Outputs.open(folder, [path.join(folder, 'list')]);
    await assert.rejects(opening, { code: 'ERR_PEAL_OPTION', message: /unsent\.txt is read by this command/ });
  });

  it('say that they are gone when their directory was removed while they were written', async () => {
    const outputs = await Outputs.open(path.join(folder, 'out'), []);
    outputs.unsent(block(3), 0, 3);
    outputs.rejected('bb', 410, 'Unregistered', null);
    await rm(path.join(folder, 'out'), { recursive: true });
    await assert.rejects(outputs.publish(), ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, 'ERR_PEAL_INPUT');
      assert.match(
        message,
        /unsent\.txt\.\w{8}\.partial or its directory was removed while the file was being written\./,
      );
      assert.match(
        message,
        /are lost: unsent\.txt \(3 lines\), unknown\.txt \(0 lines\), rejected\.csv \(1 line\), invalid/,
      );
      return true;
    });
    assert.deepEqual(outputs.written, []);
  });

  it('have their names but for the one that was removed while it was written', async () => {
    const outputs = await Outputs.open(folder, []);
    outputs.unknown(block(2), 0, 2);
    const name = readdirSync(folder).find((other) => other.startsWith('unknown.txt'))!;
    await rm(path.join(folder, name));
    await assert.rejects(outputs.publish(), { message: /are lost: unknown\.txt \(2 lines\)\.$/ });
    assert.deepEqual(outputs.written, ['rejected.csv', 'unsent.txt', 'invalid.csv']);
    assert.deepEqual(readdirSync(folder).sort(), ['invalid.csv', 'rejected.csv', 'unsent.txt']);
  });

  for (const rounds of [1, 100, 1000]) {
    it(`hold what was handed in when a process ends at once, after ${rounds} blocks`, async () => {
      const outputs = await Outputs.open(folder, [], { accepted: true });
      const tokens = block(1000);
      for (let round = 0; round < rounds; round++) outputs.unsent(tokens, 0, 1000);
      outputs.accepted('ab', 'an-id', null);
      outputs.abandon();
      const content = (base: string): string => read(readdirSync(folder).find((name) => name.startsWith(`${base}.`))!);
      const expected = linesOf(tokens).repeat(rounds);
      assert.ok(content('unsent.txt') === expected);
      assert.equal(content('accepted.csv'), 'token,apns-id,apns-unique-id\nab,an-id,\n');
      await outputs.publish();
      assert.ok(read('unsent.txt') === expected, 'writes that were under way put the same bytes to the same place');
    });
  }
});
