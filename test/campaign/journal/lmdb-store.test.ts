import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LmdbStore } from '../../../src/campaign/journal/lmdb-store.js';
import { blockKey, blocksFrom, numberOf } from '../../../src/campaign/journal/records.js';
import type { Change, ReadableStore } from '../../../src/campaign/journal/store.js';
import { cases } from '../../support/cases.js';
import { Prng } from '../../support/prng.js';

const change = (number: number, value: Uint8Array): Change => ({ key: blockKey(number), value });

function contentOf(store: ReadableStore): Map<number, string> {
  return new Map(
    Array.from(store.range(...blocksFrom(0)), ([key, value]) => [numberOf(key), Buffer.from(value).toString('hex')]),
  );
}

describe('a store of LMDB', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-store-'));
    file = path.join(folder, 'journal.lmdb');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function fill(blocks: number, bytes = 40): Promise<void> {
    const store = await LmdbStore.open(file);
    for (let number = 0; number < blocks; number += 50) {
      await store.commit(Array.from({ length: 50 }, (_, place) => change(number + place, Buffer.alloc(bytes, place))));
    }
    await store.close();
  }

  it('keeps what was committed, in order of the keys, for its owner only', async () => {
    const store = await LmdbStore.open(file);
    await store.commit([change(300, Buffer.from('c')), change(2, Buffer.from('a')), change(7, Buffer.from('b'))]);
    await store.commit([change(7, Buffer.from('bb'))]);
    assert.deepEqual([...contentOf(store).keys()], [2, 7, 300]);
    assert.equal(Buffer.from(store.get(blockKey(7))!).toString(), 'bb');
    assert.equal(store.get(blockKey(8)), null);
    await store.close();
    const again = await LmdbStore.open(file);
    assert.equal(contentOf(again).get(7), Buffer.from('bb').toString('hex'));
    await again.close();
    for (const name of [file, `${file}-lock`]) assert.equal(statSync(name).mode & 0o777, 0o600, name);
  });

  it('grows with what it holds', async () => {
    await fill(5_000, 1_100);
    const store = await LmdbStore.open(file);
    assert.equal(contentOf(store).size, 5_000);
    await store.close();
  });

  it('is read by another process while it is written, each time as of one transaction', async () => {
    const store = await LmdbStore.open(file);
    const reader = path.join(import.meta.dirname, 'reading-child.js');
    for (const blocks of [10, 2_000, 6_000]) {
      // The reader has a map of another size each time.
      for (let number = 0; number < blocks; number += 100) {
        await store.commit(
          Array.from({ length: 100 }, (_, place) => change(number + place, Buffer.alloc(900, blocks & 0xff))),
        );
      }
      const { stdout, stderr, status } = spawnSync(process.execPath, [reader, file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.equal(stdout.trim(), String(contentOf(store).size));
    }
    await store.close();
  });

  describe('refuses with a sentence, and leaves as it was,', () => {
    const foreign = {
      code: 'ERR_PEAL_INPUT',
      message: /journal\.lmdb is not a journal of peal, .* Choose another directory/,
    };
    const damaged = {
      code: 'ERR_PEAL_INPUT',
      message: /journal\.lmdb is damaged, and was left as it is\. Bring it back/,
    };

    async function assertRefused(content: Uint8Array, expected: typeof foreign): Promise<void> {
      writeFileSync(file, content);
      for (const readOnly of [false, true]) await assert.rejects(LmdbStore.open(file, { readOnly }), expected);
      assert.deepEqual(readFileSync(file), Buffer.from(content));
    }

    it('a file of another program', async () => {
      await assertRefused(Buffer.from('token,name\n'.repeat(2_000)), foreign);
      await assertRefused(Buffer.from('x'), foreign);
      await assertRefused(Buffer.alloc(100_000, 0xab), foreign);
      await assertRefused(Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(9_000)]), foreign);
      await assertRefused(Buffer.alloc(300_000), foreign);
    });

    it('one that holds nothing yet, if it is to be read', async () => {
      const empty = { code: 'ERR_PEAL_INPUT', message: /holds nothing yet/ };
      for (const bytes of [0, 100, 256 * 1024]) {
        writeFileSync(file, Buffer.alloc(bytes));
        await assert.rejects(LmdbStore.open(file, { readOnly: true }), empty);
        await assert.rejects(LmdbStore.open(file, { readOnly: true, isInUse: true }), empty);
        // A process that made room was killed there: the next one goes on.
        const store = await LmdbStore.open(file);
        await store.commit([change(1, Buffer.from('a'))]);
        await store.close();
        rmSync(file);
      }
    });

    it('one that was cut anywhere', async () => {
      await fill(200);
      const whole = readFileSync(file);
      const { length } = whole.subarray(0, lastByteOf(whole) + 1);
      for (let cut = 100; cut < length; cut += 3_001) await assertRefused(whole.subarray(0, cut), damaged);
    });

    it('one whose trees lead nowhere', async () => {
      await fill(400, 300);
      const whole = readFileSync(file);
      // Each page of the trees gets a wrong number, and what it names is then missing.
      let refused = 0;
      for (let page = 2; page * 4096 < whole.length; page++) {
        if (whole.readBigUInt64LE(page * 4096) !== BigInt(page)) continue;
        const broken = Buffer.from(whole);
        broken.fill(0xee, page * 4096, page * 4096 + 200);
        writeFileSync(file, broken);
        await LmdbStore.open(file).then(
          (store) => store.close(),
          (error) => {
            assert.match(error.message, damaged.message);
            refused += 1;
          },
        );
      }
      assert.ok(refused > 20, `only ${refused}`);
    });

    it('a directory, a link and a path that is none', async () => {
      mkdirSync(file);
      await assert.rejects(LmdbStore.open(file), { code: 'ERR_PEAL_INPUT' });
      rmSync(file, { recursive: true });
      symlinkSync('/etc/hostname', file);
      await assert.rejects(LmdbStore.open(file), { code: 'ERR_PEAL_INPUT', message: /symbolic link/ });
      await assert.rejects(LmdbStore.open(path.join(folder, 'none', 'journal.lmdb')), { code: 'ERR_PEAL_INPUT' });
      await assert.rejects(LmdbStore.open(path.join(folder, 'none'), { readOnly: true }), {
        code: 'ERR_PEAL_INPUT',
        message: /none does not exist\.$/,
      });
    });
  });

  it('does not end the process for a file in which bytes have changed', async () => {
    await fill(400, 200);
    const whole = readFileSync(file);
    const random = new Prng(7);
    const files = Array.from({ length: cases(200, 40) }, (_, number) => {
      const broken = Buffer.from(whole);
      for (let flips = 0; flips < 3; flips++) broken[8192 + random.int(whole.length - 8192)]! ^= 1 << random.int(8);
      const name = path.join(folder, `broken-${number}`);
      writeFileSync(name, broken);
      return name;
    });
    const child = path.join(import.meta.dirname, 'reading-child.js');
    const { signal, status, stdout } = spawnSync(process.execPath, [child, ...files], { encoding: 'utf8' });
    assert.deepEqual([signal, status], [null, 0]);
    assert.equal(stdout.trim().split('\n').length, files.length);
  });

  it('says that a directory may not be written', async function () {
    chmodSync(folder, 0o500);
    if (process.getuid?.() === 0) {
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', folder]).status !== 0) this.skip();
    }
    try {
      const refused = LmdbStore.open(file);
      await assert.rejects(refused, { code: 'ERR_PEAL_INPUT', message: /may not be written.*directory/ });
    } finally {
      if (process.getuid?.() === 0) spawnSync('umount', [folder]);
      chmodSync(folder, 0o700);
    }
  });

  it('says what to do where lmdb does not load', () => {
    const missing =
      'export async function resolve(name, context, next) { if (name === "lmdb") throw new Error("no binary"); return next(name, context); }';
    const hook = `import { register } from 'node:module'; register('data:text/javascript,${encodeURIComponent(missing)}');`;
    const module = new URL('../../../src/campaign/journal/lmdb-store.js', import.meta.url).href;
    const program = `import { LmdbStore } from '${module}'; await LmdbStore.open('${file}').catch((error) => console.log(error.message));`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, '--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    );
    assert.match(
      stdout,
      /^A journal needs the package lmdb, which does not load here \(no binary\)\. Install it with npm/,
      stderr,
    );
  });

  describe('on a disk that is full', () => {
    let disk: string;

    function mount(bytes: number): boolean {
      disk = path.join(folder, 'disk');
      mkdirSync(disk);
      file = path.join(disk, 'journal.lmdb');
      return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', disk]).status === 0;
    }

    afterEach(() => {
      spawnSync('umount', [disk]);
    });

    it('loses nothing that it held, and goes on when there is room (a tmpfs, as root)', async function () {
      if (!mount(3 << 20)) this.skip();
      const store = await LmdbStore.open(file);
      writeFileSync(path.join(disk, 'other'), Buffer.alloc(1 << 20));
      let blocks = 0;
      const add = async (): Promise<void> => {
        await store.commit([change(blocks, Buffer.alloc(1_000, blocks & 0xff))]);
        blocks += 1;
      };
      await assert.rejects(
        async () => {
          while (blocks < 10_000) await add();
        },
        { code: 'ERR_PEAL_INPUT', message: /disk is full\. Free some space .*: what it holds already is kept\.$/ },
      );
      assert.ok(blocks > 100, `only ${blocks}`);
      assert.equal(contentOf(store).size, blocks);
      await assert.rejects(add(), /disk is full/);
      rmSync(path.join(disk, 'other'));
      await add();
      await store.close();
      const again = await LmdbStore.open(file);
      assert.equal(contentOf(again).size, blocks);
      await again.close();
    });

    it('says so when there is no room to begin (a tmpfs, as root)', async function () {
      for (const bytes of [4096, 16384, 40960]) {
        if (!mount(bytes)) this.skip();
        await assert.rejects(
          async () => {
            const store = await LmdbStore.open(file);
            await store.commit([change(0, Buffer.alloc(10))]).finally(() => store.close());
          },
          { code: 'ERR_PEAL_INPUT', message: /disk is full/ },
        );
        spawnSync('umount', [disk]);
        rmSync(disk, { recursive: true });
      }
    });
  });
});

/** The file has room behind what it holds. */
function lastByteOf(bytes: Buffer): number {
  let at = bytes.length - 1;
  while (bytes[at] === 0) at--;
  return at;
}
