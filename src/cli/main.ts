#!/usr/bin/env node
/**
 * The `peal` command, as Node starts it: checks that the process may open enough files, and starts run-process. Nothing
 * of peal is imported before the check, because each module is an open file while it is read, many at once. With too
 * few files, Node itself would end with a stack trace before any line of ours. Main thread.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { devNull } from 'node:os';

/** Files that a command with a few threads and connections has open at a time, besides Node's own. Measured: 38. */
const neededFiles = 64;
/** exitCodes.limits, repeated here because importing it would open a file. */
const exitCode = 8;

const free = freeFiles();
if (free < neededFiles) {
  const limit = openFileLimit();
  process.stderr.write(
    `peal: this process may open ${limit === null ? `only ${free} more` : `only ${limit}`} files, and needs ` +
      `${neededFiles + (limit ?? free) - free}: raise the limit (ulimit -n 1024) and run it again.\n`,
  );
  process.exitCode = exitCode;
} else {
  // From Node 22.8: what was compiled is kept for the next command.
  (module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
  const { runProcess } = await import('./run-process.js');
  await runProcess();
}

/**
 * Returns how many files can be opened, up to the needed number. It opens them, which works on every system. Where it
 * may not open this one for another reason (`node --permission`), that says nothing of the limit.
 */
function freeFiles(): number {
  const opened: number[] = [];
  try {
    while (opened.length < neededFiles) opened.push(openSync(devNull, 'r'));
  } catch (error) {
    if (!/^E[MN]FILE$/.test(String((error as NodeJS.ErrnoException).code))) return neededFiles;
  }
  for (const file of opened) closeSync(file);
  return opened.length;
}

/** The limit that the system reports; null if it reports none. */
function openFileLimit(): number | null {
  try {
    const digits = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return digits === undefined ? null : Number(digits);
  } catch {
    return null;
  }
}
