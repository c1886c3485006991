#!/usr/bin/env node
/**
 * The `peal` command: hands the process to the command line and takes its exit code. The only file of this folder that
 * names the process's own streams. Main thread.
 */
import { runCommandLine } from './program.js';

/** What still holds the process this long after the command has ended is not waited for. */
const lingerMs = 2_000;

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has left (`peal send --json | head -1`) is no reason to lose the books of a send.
    if (error.code !== 'EPIPE') throw error;
  });
}

const { stdin, stdout, stderr, env } = process;
const code = await runCommandLine(process.argv.slice(2), { stdin, stdout, stderr, env });
process.exitCode = code;
setTimeout(() => process.exit(code), lingerMs).unref();
