/**
 * The steps about this machine and this process: the version of Node.js, and how many files may be open. Main thread;
 * opens the null device to count, which works on every system.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { availableParallelism, devNull } from 'node:os';
import { integer } from '../../base/text.js';
import { version } from '../../base/version.js';
import { exitCodes } from '../shared/exit-codes.js';
import { failed, ok, type Step, skipped, warning } from './step.js';

/** The oldest version that peal runs on, as package.json says. */
const oldest = [20, 19] as const;
/** Versions that get no corrections any more. */
const lastEndedMajor = 20;

/** @param running such as `v22.1.0`, as process.version */
export function nodeStep(
  running: string,
  platform: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Step {
  const [major = 0, minor = 0] = running.replace(/^v/, '').split('.').map(Number);
  const found = `${running} on ${platform}, with peal ${version}`;
  const details = { node: running, platform, peal: version };
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    const advice = `Peal needs Node.js ${oldest.join('.')} or later: install the current one.`;
    return failed('node', found, advice, exitCodes.usage, details);
  }
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    const advice =
      'It makes other parts of this process trust everybody, requests for access tokens of Google among them: unset it, ' +
      'and give an authority of your own with --ca.';
    return warning('node', `${found}; NODE_TLS_REJECT_UNAUTHORIZED is 0`, advice, details);
  }
  if (major > lastEndedMajor) return ok('node', found, details);
  const advice = `Node.js ${major} gets no more security fixes: plan the change to a current one.`;
  return warning('node', found, advice, details);
}

// --- open files ---

/** What a command has open besides threads and connections (cli/main measures it). */
const ofCommand = 64;
/** What a worker thread has open for itself, and its connections by default. */
const ofThread = 16;
/** Beyond this, nobody counts. */
const enough = 4_096;

interface OpenFiles {
  /** The limit of the process; null where the system does not tell. */
  readonly limit: number | null;
  /** Files that can still be opened, counted up to `wanted`. */
  readonly free: number;
  /** What the usual number of threads and connections may need. */
  readonly wanted: number;
  /** Node's permissions refuse the file that is opened to count. */
  readonly isRefused: boolean;
}

export function openFiles(): OpenFiles {
  const threads = Math.max(1, availableParallelism() - 1);
  const wanted = Math.min(enough, ofCommand + threads * ofThread);
  const opened: number[] = [];
  let isRefused = false;
  try {
    while (opened.length < wanted) opened.push(openSync(devNull, 'r'));
  } catch (error) {
    // No more, or none at all.
    isRefused = (error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED';
  }
  for (const file of opened) closeSync(file);
  return { limit: limitOf(), free: opened.length, wanted, isRefused };
}

function limitOf(): number | null {
  try {
    const digits = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return digits === undefined ? null : Number(digits);
  } catch {
    return null;
  }
}

export function filesStep({ limit, free, wanted, isRefused }: OpenFiles): Step {
  if (isRefused) return skipped('files', `not counted: Node runs with --permission, and may not read ${devNull}`);
  const allowed = limit === null ? '' : `${integer(limit)} files may be open`;
  const details = { limit, free, wanted };
  const raise = 'Raise the limit of this process (ulimit -n 1024, or LimitNOFILE= of its service).';
  if (free >= wanted) {
    return ok('files', allowed === '' ? `${integer(free)} or more files can be opened` : allowed, details);
  }
  const found = `${allowed === '' ? 'Only' : `${allowed}, only`} ${integer(free)} of them still`;
  if (free < ofCommand) return failed('files', found, raise, exitCodes.limits, details);
  const advice = `${raise} Threads and connections of a large send need about ${integer(wanted)}.`;
  return warning('files', found, advice, details);
}
