/** Commands to a campaign that is at work: both sides meet in a real folder. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/base/clock.js';
import { PealError } from '../../../src/base/errors.js';
import { FolderLock, type LockHolder } from '../../../src/base/files/folder-lock.js';
import { type ControlCommand, ControlWatch, sendControl } from '../../../src/campaign/control/control-file.js';

describe('ControlWatch', () => {
  let folder: string;
  let file: string;
  let taken: ControlCommand[];
  let notes: string[];
  let watch: ControlWatch;
  let lock: FolderLock | null;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-control-'));
    file = path.join(folder, '.peal-control.json');
    taken = [];
    notes = [];
    watch = new ControlWatch(folder, systemClock);
    lock = (await FolderLock.take(folder, '0123abcd')) as FolderLock;
  });

  afterEach(async () => {
    watch.stop();
    await lock?.release();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (): void => {
    watch.start({ onCommand: (command) => taken.push(command), onNote: (note) => notes.push(note) });
  };

  const message = (command: unknown, more: object = {}): string =>
    JSON.stringify({ version: 1, pid: process.pid, sentMs: Date.now(), command, ...more });

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await sleep(5);
  }

  /** The file is gone a moment before what was made of it is told. */
  const untilNoted = (): Promise<void> => until(() => !existsSync(file) && notes.length > 0);

  /** Gives a command, and waits until it has arrived: the file is gone a moment before. */
  async function give(command: ControlCommand): Promise<LockHolder> {
    const before = taken.length;
    const holder = await sendControl(folder, command);
    await until(() => taken.length > before);
    return holder;
  }

  it('takes each command, says who took it, and leaves no file', async () => {
    start();
    const holder = await give({ rate: '500/s' });
    assert.equal(holder.pid, process.pid);
    await give({ pause: true });
    await give({ resume: true });
    assert.deepEqual(taken, [{ rate: '500/s' }, { pause: true }, { resume: true }]);
    assert.deepEqual([readdirSync(folder).filter((name) => name.includes('control')), notes], [[], []]);
  });

  it('takes both of two commands that are given at the same moment', async () => {
    start();
    await Promise.all([sendControl(folder, { rate: '1/s' }), sendControl(folder, { pause: true })]);
    await until(() => taken.length === 2);
    assert.ok(taken.some((command) => 'rate' in command) && taken.some((command) => 'pause' in command));
  });

  it('takes a command that was given while the run began', async () => {
    const sent = give({ pause: true });
    await until(() => existsSync(file));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    start();
    await sent;
    assert.deepEqual(taken, [{ pause: true }]);
  });

  it('takes nothing that was left for a run that has ended', async () => {
    for (const left of [message({ pause: true }, { pid: process.pid + 1 }), message({ pause: true }, { sentMs: 5 })]) {
      writeFileSync(file, left, { mode: 0o600 });
      start();
      // Commands are taken one after the other: what was left would have come before this one.
      await give({ resume: true });
      watch.stop();
    }
    assert.deepEqual([taken, notes], [[{ resume: true }, { resume: true }], []]);
  });

  for (const [what, text] of [
    ['is cut', '{"version":1,'],
    ['has a key that is not known', message({ pause: true }, { more: 1 })],
    ['has two commands', message({ pause: true, resume: true })],
    ['has a command that is not known', message({ stop: true })],
    ['has no true', message({ pause: false })],
    ['has a rate that is none', message({ rate: 'fast' })],
    ['has a rate that is no text', message({ rate: 5 })],
    ['has a pid that is no number', message({ pause: true }, { pid: '1' })],
    ['is of another version', message({ pause: true }, { version: 2 })],
    ['is no object', '[1]'],
    ['is empty', ''],
    ['is large', ' '.repeat(5000)],
  ] as const) {
    it(`removes a file that ${what}, and notes it`, async () => {
      writeFileSync(file, text, { mode: 0o600 });
      start();
      await untilNoted();
      assert.equal(taken.length, 0);
      assert.equal(notes.length, 1);
      assert.match(notes[0]!, /^\.peal-control\.json is [\w ]+: it was removed\.$/);
    });
  }

  it('does not follow a link, and goes on', async () => {
    const other = path.join(folder, 'other');
    writeFileSync(other, message({ pause: true }), { mode: 0o600 });
    symlinkSync(other, file);
    start();
    await untilNoted();
    assert.ok(existsSync(other));
    assert.equal(notes.length, 1);
    await give({ resume: true });
    assert.deepEqual(taken, [{ resume: true }]);
  });

  it('says once that a directory has the name, and goes on when it is gone', async () => {
    mkdirSync(file);
    start();
    await until(() => notes.length > 0);
    await sleep(700);
    assert.equal(notes.length, 1, notes.join('\n'));
    rmSync(file, { recursive: true });
    await give({ resume: true });
    assert.deepEqual(taken, [{ resume: true }]);
  });

  it('takes nothing any more once it is stopped', async () => {
    start();
    await sleep(50);
    watch.stop();
    writeFileSync(file, message({ pause: true }), { mode: 0o600 });
    await sleep(400);
    assert.deepEqual([taken, existsSync(file)], [[], true]);
  });

  const refused = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof PealError);
    assert.equal(error.code, 'ERR_PEAL_INPUT');
    assert.match(error.message, pattern);
    return true;
  };

  it('refuses a command where no process is at work', async () => {
    await lock!.release();
    await assert.rejects(sendControl(folder, { pause: true }), refused(/^No process is at work on the campaign in /));
    await assert.rejects(sendControl(path.join(folder, 'none'), { pause: true }), refused(/does not exist\.$/));
    assert.deepEqual(readdirSync(folder), []);
  });

  it('gives up on a run that does not answer, and removes its own file only', async () => {
    await assert.rejects(
      sendControl(folder, { pause: true }, { patienceMs: 200 }),
      refused(/does not answer: nothing was changed/),
    );
    assert.ok(!existsSync(file));
    const others = message({ resume: true });
    writeFileSync(file, others, { mode: 0o600 });
    await assert.rejects(sendControl(folder, { pause: true }, { patienceMs: 200 }), refused(/does not answer/));
    assert.equal(readFileSync(file, 'utf8'), others);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.partial')),
      [],
    );
  });

  it('says at once that the run has ended', async () => {
    // So patient that it would not end if it waited for its time.
    const sending = sendControl(folder, { pause: true }, { patienceMs: 3_600_000 });
    const sent = assert.rejects(sending, refused(/ended before it took the command/));
    await until(() => existsSync(file));
    await lock!.release();
    await sent;
    assert.ok(!existsSync(file));
  });

  it('says that the directory may not be written', async function () {
    if (process.getuid?.() === 0) return this.skip();
    chmodSync(folder, 0o500);
    await assert.rejects(sendControl(folder, { pause: true }), refused(/may not be written: permission denied/));
    chmodSync(folder, 0o700);
  });
});
