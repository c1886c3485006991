/**
 * How a command reaches a campaign that another process runs: a small file in the campaign's directory, which the run
 * takes away when it has read it. The run owns a `ControlWatch`; the command calls `sendControl`. Main thread.
 *
 *   .peal-control.json              {"version":1,"pid":4242,"sentMs":…,"command":{"rate":"500/s"}}
 *   .peal-control.<random>.partial  the same while it is written
 *
 * A command is linked under its name only where no other waits there, so that each arrives. It names the process that
 * is meant, so that no other run takes it.
 */

import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock, type TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import { FolderLock, type LockHolder } from '../../base/files/folder-lock.js';
import { maxControlFileBytes, maxRateCharacters } from '../../base/limits.js';
import { parseRate } from './rate.js';

export type ControlCommand = { readonly rate: string } | { readonly pause: true } | { readonly resume: true };

/** What lies in the file. */
interface ControlMessage {
  readonly version: 1;
  /** Of the process that is meant. */
  readonly pid: number;
  /** By the clock of the machine that sent it. */
  readonly sentMs: number;
  readonly command: ControlCommand;
}

const fileName = '.peal-control.json';
const pollMs = 250;
/** How long a command waits until it is taken. */
const patienceMs = 5000;
/** A file that is older than this when a run begins was left behind by a command that was killed. */
const staleMs = 2 * patienceMs;

/** Who is told of what arrives. */
interface ControlHandlers {
  readonly onCommand: (command: ControlCommand) => void;
  /** Told of each file that is no command, in one sentence. */
  readonly onNote: (sentence: string) => void;
}

/** Takes the commands that arrive for this process, from `start` to `stop`. */
export class ControlWatch {
  readonly #folder: string;
  readonly #file: string;
  readonly #clock: Clock;
  /** Null before it is started, and once it is stopped. */
  #handlers: ControlHandlers | null = null;
  #timer: TimerHandle | null = null;
  /** The name cannot be freed, which is said once. */
  #isBlocked = false;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#file = path.join(folder, fileName);
    this.#clock = clock;
  }

  /** Called once. What was left behind for a run that has ended is removed. */
  start(handlers: ControlHandlers): void {
    this.#handlers = handlers;
    void this.#look(true);
  }

  stop(): void {
    this.#handlers = null;
    this.#clock.clearTimer(this.#timer);
  }

  async #look(isFirst: boolean): Promise<void> {
    const command = await this.#take(isFirst).catch((error: unknown) => this.#blocked(error));
    if (this.#handlers === null) return;
    this.#timer = this.#clock.setTimer(() => void this.#look(false), pollMs);
    if (command !== null) this.#handlers.onCommand(command);
  }

  /** The command that waits, with its file removed; null where none does. Throws the error of the file system. */
  async #take(isFirst: boolean): Promise<ControlCommand | null> {
    const stats = await lstat(this.#file).catch(nothingThere);
    if (stats === null || this.#handlers === null) return null;
    const found = (await this.#isOurs(stats)) ? await readMessage(this.#file) : 'is not a file of the same owner';
    if (this.#handlers === null) return null;
    await rm(this.#file, { force: true });
    if (typeof found === 'string') {
      this.#handlers.onNote(`${fileName} ${found}: it was removed.`);
      return null;
    }
    if (found.pid !== process.pid) return null;
    const ageMs = Math.abs(this.#clock.wallMs() - found.sentMs);
    return isFirst && ageMs > staleMs ? null : found.command;
  }

  async #isOurs(stats: Stats): Promise<boolean> {
    if (!stats.isFile()) return false;
    return stats.uid === process.getuid?.() || stats.uid === (await stat(this.#folder)).uid;
  }

  #blocked(error: unknown): null {
    if (!this.#isBlocked) this.#handlers?.onNote(`Commands cannot be taken: ${fileName} ${writeProblem(error)}.`);
    this.#isBlocked = true;
    return null;
  }
}

/** What a test sets. */
interface SendControlOptions {
  readonly clock?: Clock;
  readonly patienceMs?: number;
}

/**
 * Gives a command to the process that runs the campaign, and resolves with that process once it has taken the command.
 *
 * @throws PealError ERR_PEAL_INPUT (as a rejection): no process runs the campaign, or it does not take the command
 *   within five seconds, which then counts as not given; the directory cannot be read or written
 */
export async function sendControl(
  folder: string,
  command: ControlCommand,
  options: SendControlOptions = {},
): Promise<LockHolder> {
  const clock = options.clock ?? systemClock;
  const untilMs = clock.now() + (options.patienceMs ?? patienceMs);
  const holder = await holderOf(folder);
  if (holder === null) {
    throw inputError(`No process is at work on the campaign in ${folder}: peal status says how it stands.`);
  }
  const message: ControlMessage = { version: 1, pid: holder.pid, sentMs: clock.wallMs(), command };
  const given = new GivenCommand(folder);
  try {
    await given.write(`${JSON.stringify(message)}\n`);
    while (!(await given.isPlaced())) await waitOn(folder, holder, untilMs - clock.now());
    while (!(await given.isTaken())) await waitOn(folder, holder, untilMs - clock.now());
    return holder;
  } catch (error) {
    if (error instanceof PealError) throw error;
    const text = `${path.join(folder, fileName)} ${writeProblem(error)}.`;
    throw new PealError('ERR_PEAL_INPUT', text, { origin: 'input', cause: error });
  } finally {
    await given.remove();
  }
}

/** The file of one command. */
class GivenCommand {
  readonly #folder: string;
  readonly #file: string;
  readonly #partial: string;
  #inode: number | null = null;
  #isPlaced = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = path.join(folder, fileName);
    this.#partial = path.join(folder, `.peal-control.${randomBytes(8).toString('hex')}.partial`);
  }

  /** Writes it whole, under a name that nobody looks at. */
  async write(text: string): Promise<void> {
    const handle = await open(this.#partial, 'wx', 0o600);
    try {
      await handle.writeFile(text, 'utf8');
      await this.#giveToOwner(handle);
      this.#inode = (await handle.stat()).ino;
    } finally {
      await handle.close();
    }
  }

  /** Gives it its name, unless another command waits under that name. */
  async isPlaced(): Promise<boolean> {
    if (this.#isPlaced) return true;
    try {
      await link(this.#partial, this.#file);
      await rm(this.#partial, { force: true });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'EEXIST') return false;
      if (!withoutLinks.has(code)) throw error;
      if ((await lstat(this.#file).catch(nothingThere)) !== null) return false;
      await rename(this.#partial, this.#file);
    }
    this.#isPlaced = true;
    return true;
  }

  async isTaken(): Promise<boolean> {
    return this.#isPlaced && (await lstat(this.#file).catch(nothingThere))?.ino !== this.#inode;
  }

  /** Leaves nothing behind, and takes nobody else's command away. */
  async remove(): Promise<void> {
    await rm(this.#partial, { force: true }).catch(() => {});
    if (!this.#isPlaced) return;
    const stats = await lstat(this.#file).catch(() => null);
    if (stats?.ino === this.#inode) await rm(this.#file, { force: true }).catch(() => {});
  }

  /** A run under another user could not read the file of the administrator. */
  async #giveToOwner(handle: FileHandle): Promise<void> {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await stat(this.#folder);
    await handle.chown(uid, gid);
  }
}

/** What file systems without links answer. */
const withoutLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Waits a moment. Throws a PealError when the time is over, or the run has ended. */
async function waitOn(folder: string, { pid }: LockHolder, leftMs: number): Promise<void> {
  if (leftMs <= 0) {
    throw inputError(`The run in ${folder} (process ${pid}) does not answer: nothing was changed. Try it again.`);
  }
  await sleep(Math.min(leftMs, pollMs / 5));
  if ((await holderOf(folder))?.pid === pid) return;
  throw inputError(`The run in ${folder} (process ${pid}) ended before it took the command: nothing was changed.`);
}

async function holderOf(folder: string): Promise<LockHolder | null> {
  return FolderLock.look(folder).catch((error: unknown) => {
    throw new PealError('ERR_PEAL_INPUT', `${folder} ${readProblem(error)}.`, { origin: 'input', cause: error });
  });
}

/** The message in the file; the end of a sentence about a file that holds none. */
async function readMessage(file: string): Promise<ControlMessage | string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > maxControlFileBytes) return 'is too large for a command';
    const message = messageIn(await handle.readFile('utf8'));
    return message ?? 'is not a command';
  } finally {
    await handle.close();
  }
}

/** Null for a text that is not as `sendControl` writes it. */
function messageIn(text: string): ControlMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!hasKeys(value, ['version', 'pid', 'sentMs', 'command'])) return null;
  const { version, pid, sentMs, command } = value;
  const isWhole = version === 1 && Number.isSafeInteger(pid) && Number.isFinite(sentMs) && isCommand(command);
  return isWhole ? (value as unknown as ControlMessage) : null;
}

function isCommand(value: unknown): boolean {
  if (hasKeys(value, ['pause'])) return value.pause === true;
  if (hasKeys(value, ['resume'])) return value.resume === true;
  if (!hasKeys(value, ['rate'])) return false;
  const { rate } = value;
  return typeof rate === 'string' && rate.length <= maxRateCharacters && typeof parseRate(rate) !== 'string';
}

/** Whether it is an object with these keys and no others. */
function hasKeys(value: unknown, keys: readonly string[]): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const names = Object.keys(value);
  return names.length === keys.length && keys.every((key) => Object.hasOwn(value, key));
}

function nothingThere(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function inputError(message: string): PealError {
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}
