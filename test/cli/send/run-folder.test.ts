/**
 * The folder of --out, whatever ends a run: files of two runs never stand side by side, nothing that was whole is lost, one
 * run at a time is at work, and what nobody has sent yet is not replaced unasked.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { holderText, thisHolder } from '../../../src/base/run-holder.js';
import { Outputs } from '../../../src/cli/send/outputs.js';
import { drawsAll } from '../../support/cases.js';

const program = fileURLToPath(new URL('killed-run.js', import.meta.url));
const names = ['invalid.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt'];
/** What `killed-run` writes; an earlier run has `earlier` in each file. */
const ofThisRun: Readonly<Record<string, string>> = {
  'invalid.csv': 'line,text,why,list\n1,bb,why,list\n',
  'rejected.csv': 'token,status,reason,timestamp\nbb,410,Unregistered,\n',
  'unknown.txt': 'bb\n',
  'unsent.txt': 'bb\nbb\n',
};

describe('the folder of --out', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const at = (name: string): string => path.join(folder, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  const visible = (): string[] =>
    readdirSync(folder)
      .filter((name) => names.includes(name))
      .sort();
  const run = (step: number, moment: string) => spawnSync(process.execPath, [program, folder, String(step), moment]);

  /** As an earlier run left them; `accepted.csv` only some runs write. */
  function writeEarlier(): void {
    for (const name of names) writeFileSync(at(name), 'earlier');
  }

  it('holds files of one run only wherever a run is killed, and the next run finishes what was whole', async () => {
    let placedAt = 0;
    for (let step = 1; ; step++) {
      for (const moment of drawsAll ? ['before', 'after'] : [step % 2 === 0 ? 'before' : 'after']) {
        rmSync(folder, { recursive: true });
        mkdirSync(folder);
        writeEarlier();
        const { stdout, signal, status, stderr } = run(step, moment);
        if (signal === null) {
          assert.equal(status, 0, String(stderr));
          assert.match(String(stdout), /placed/);
          assert.ok(step > 25, `there were ${step} steps only`);
          assert.ok(placedAt > 0);
          return;
        }
        const where = `killed ${moment} step ${step}: ${readdirSync(folder)}`;
        const contents = visible().map((name) => (read(name) === 'earlier' ? 'earlier' : 'this'));
        assert.ok(new Set(contents).size <= 1, `files of two runs: ${where}`);
        for (const name of visible()) assert.ok(['earlier', ofThisRun[name]].includes(read(name)), where);
        const wasWhole = readdirSync(folder).some((name) => /\.(whole|placing)$/.test(name));
        const wasPlaced = contents.length === names.length && contents.every((content) => content === 'this');
        // The next run is refused, because of what is to be sent, and puts the folder in order all the same.
        await assert.rejects(Outputs.open(folder, []), { message: /holds recipients that an earlier run/ }, where);
        for (const name of names) {
          assert.equal(read(name), wasWhole || wasPlaced ? ofThisRun[name] : 'earlier', `${name}, ${where}`);
        }
        if (wasWhole) placedAt = step;
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.endsWith('.lock')),
          [],
          where,
        );
        // And one that may replace it leaves nothing else behind.
        await (await Outputs.open(folder, [], { force: true })).publish();
        assert.deepEqual(readdirSync(folder).sort(), names, where);
      }
    }
  });

  it('counts the unfinished files of a dead run, and removes no others', async () => {
    run(Number.POSITIVE_INFINITY, 'never');
    const mine = ['notes.partial', 'unsent.txt.partial', 'unsent.txt.12345678.bak', 'mine.txt.12345678.partial'];
    const dead = ['unsent.txt.12345678.partial', 'rejected.csv.0badcafe.partial'];
    // It goes, too, but only for the files that take the place of those of its run.
    const cut = 'unknown.txt.0badcafe.cut';
    for (const name of [...mine, ...dead, cut]) writeFileSync(at(name), 'x');
    const outputs = await Outputs.open(folder, [], { force: true });
    assert.equal(outputs.removed, dead.length);
    assert.equal(read(cut), 'x');
    await outputs.publish();
    assert.deepEqual(readdirSync(folder).sort(), [...names, ...mine].sort());
  });

  it('is refused to a second run, which leaves everything as it is, and is free again after the first', async () => {
    const first = await Outputs.open(folder, []);
    const before = readdirSync(folder).sort();
    const opening = Outputs.open(folder, [], { force: true });
    await assert.rejects(opening, {
      code: 'ERR_PEAL_OPTION',
      message: new RegExp(
        `^--out: .* is in use by another run \\(process ${process.pid}, since 20.*Z\\): wait for its end, or`,
      ),
    });
    assert.deepEqual(readdirSync(folder).sort(), before);
    await first.publish();
    const second = await Outputs.open(folder, []);
    await second.discard();
    assert.deepEqual(readdirSync(folder).sort(), names);
  });

  it('is refused while a process on another machine may be at work, and the sentence names the file', async () => {
    const holder = { ...(await thisHolder()), host: 'another.example' };
    const lock = `.peal-12345678.${holderText(holder)}.lock`;
    writeFileSync(at(lock), '');
    await assert.rejects(Outputs.open(folder, []), (error: Error) => {
      return /on another machine/.test(error.message) && error.message.endsWith(`remove ${at(lock)}.`);
    });
    assert.deepEqual(readdirSync(folder), [lock]);
  });

  it('goes to one run at most, however many begin at once', async () => {
    let taken = 0;
    for (let round = 0; round < 10; round++) {
      const openings = await Promise.allSettled(Array.from({ length: 5 }, () => Outputs.open(folder, [])));
      const opened = openings.filter((opening) => opening.status === 'fulfilled');
      assert.ok(opened.length <= 1, `${opened.length} of 5 got it`);
      taken += opened.length;
      await opened[0]?.value.discard();
      assert.deepEqual(readdirSync(folder), []);
    }
    assert.ok(taken > 0);
  });

  it('is not left to a run whose process is there, also when that does nothing', async () => {
    const script = `const { Outputs } = await import(process.argv[1]); await Outputs.open(process.argv[2], []);
      process.stdout.write('open'); setInterval(() => {}, 1000);`;
    const module = new URL('../../../src/cli/send/outputs.js', import.meta.url).href;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, module, folder]);
    await once(child.stdout, 'data');
    await assert.rejects(Outputs.open(folder, []), { message: new RegExp(`process ${child.pid},`) });
    child.kill('SIGKILL');
    await once(child, 'close');
    const outputs = await Outputs.open(folder, []);
    assert.equal(outputs.removed, 4);
    await outputs.publish();
    assert.deepEqual(readdirSync(folder).sort(), names);
  });

  it('is refused after a run that was killed while it sent, and not after one that was killed before', async () => {
    const script = `const { Outputs } = await import(process.argv[1]); const outputs = await Outputs.open(process.argv[2], []);
      if (process.argv[3] === 'sending') await outputs.sending();
      process.stdout.write('open'); setInterval(() => {}, 1000);`;
    const module = new URL('../../../src/cli/send/outputs.js', import.meta.url).href;
    for (const moment of ['reading', 'sending']) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, module, folder, moment]);
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      if (moment === 'sending') {
        const left = readdirSync(folder).filter((name) => !name.endsWith('.lock'));
        await assert.rejects(Outputs.open(folder, []), {
          code: 'ERR_PEAL_OPTION',
          message: /^--out: .* a run that was ended at once while it was sending .*Nothing records.*give --force/,
        });
        assert.deepEqual(readdirSync(folder), left);
      }
      const outputs = await Outputs.open(folder, [], { force: moment === 'sending' });
      assert.equal(outputs.removed, 4);
      await outputs.publish();
      assert.deepEqual(readdirSync(folder).sort(), names);
    }
  });

  for (const name of ['unsent.txt', 'unknown.txt']) {
    it(`keeps ${name} of an earlier run unless it is asked to replace it`, async () => {
      writeFileSync(at(name), `${'ab'.repeat(32)}\n`);
      await assert.rejects(Outputs.open(folder, []), (error: { code: string; message: string }) => {
        assert.equal(error.code, 'ERR_PEAL_OPTION');
        assert.ok(error.message.startsWith(`--out: ${at(name)} holds recipients that an earlier run`), error.message);
        assert.match(error.message, new RegExp(`--tokens ${at(name)}.*--force`));
        return true;
      });
      assert.deepEqual(readdirSync(folder), [name]);
      const outputs = await Outputs.open(folder, [], { force: true });
      assert.equal(read(name), `${'ab'.repeat(32)}\n`, 'not before the run has files of its own');
      await outputs.publish();
      assert.equal(read(name), '');
    });
  }

  for (const base of ['unsent.txt', 'unknown.txt', 'rejected.csv']) {
    it(`keeps what an earlier run could write of ${base} as it keeps the file`, async () => {
      const name = `${base}.0badcafe.cut`;
      writeFileSync(at(name), `${'ab'.repeat(32)}\n`);
      if (base !== 'rejected.csv') {
        await assert.rejects(Outputs.open(folder, []), (error: { code: string; message: string }) => {
          assert.equal(error.code, 'ERR_PEAL_OPTION');
          assert.ok(error.message.startsWith(`--out: ${at(name)} holds recipients that an earlier run`), error.message);
          assert.match(error.message, new RegExp(`the rest could not be written.*--tokens ${at(name)}.*--force`));
          return true;
        });
        assert.deepEqual(readdirSync(folder), [name]);
        await (await Outputs.open(folder, [], { force: true })).discard();
        assert.deepEqual(readdirSync(folder), [name], 'goes when the files of a run take its place');
      }
      await (await Outputs.open(folder, [], { force: base !== 'rejected.csv' })).publish();
      assert.deepEqual(readdirSync(folder).sort(), names);
    });
  }

  it('does not mind an empty rest of what an earlier run could write', async () => {
    writeFileSync(at('unsent.txt.0badcafe.cut'), '');
    await (await Outputs.open(folder, [])).publish();
    assert.deepEqual(readdirSync(folder).sort(), names);
  });

  it('keeps what is to be sent when a run that may replace it has read nothing', async () => {
    writeEarlier();
    await (await Outputs.open(folder, [], { force: true })).discard();
    assert.deepEqual(
      names.map(read),
      names.map(() => 'earlier'),
    );
    assert.deepEqual(readdirSync(folder).sort(), names);
  });
});
