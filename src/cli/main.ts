#!/usr/bin/env node
/**
 * The `peal` command, as Node starts it: sees whether the process may open enough files, and hands over to run-process.
 * Nothing of peal is imported before, because each module is a file that is open while it is read, many at once: where
 * there are too few, Node itself ends with a stack before any line of ours. Main thread.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';

/**
 * Files that a command with a few threads and connections has open at a time, beside what Node has. Measured:
 * 38.
 */
const neededFiles = 64;
/** exitCodes.limits; that file would have to be opened for it. */
const exitCode = 7;

const free = freeFiles();
if (free < neededFiles) {
  const limit = openFileLimit();
  process.stderr.write(
    `peal: this process may open ${limit === null ? `only ${free} more` : `only ${limit}`} files, and needs ` +
      `${neededFiles + (limit ?? free) - free}: raise the limit (ulimit -n 1024) and run it again.\n`,
  );
  process.exitCode = exitCode;
} else {
  await import('./run-process.js');
}

/** How many files can be opened, up to those that are needed: tried out, which is the same on every system. */
function freeFiles(): number {
  const opened: number[] = [];
  try {
    while (opened.length < neededFiles) opened.push(openSync(devNull, 'r'));
  } catch {
    // No more.
  }
  for (const file of opened) closeSync(file);
  return opened.length;
}

/** As the system says it; null where it does not say. */
function openFileLimit(): number | null {
  try {
    const digits = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return digits === undefined ? null : Number(digits);
  } catch {
    return null;
  }
}
