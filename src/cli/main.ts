#!/usr/bin/env node
/**
 * The `peal` command: hands the process to the command line and takes its exit code. The only file of this folder that
 * names the process's own streams. Main thread.
 */
import { exitCodes } from './exit-codes.js';
import { exitCodeOfSignal, Interrupt, signalsHeard } from './interrupt.js';
import { printNote } from './terminal.js';
import { writeProblem } from './write-problem.js';

/** What still holds the process this long after the command has ended is not waited for. */
const lingerMs = 2_000;

const { stdin, stdout, stderr, env } = process;
const terminal = { stdin, stdout, stderr, env };

// Before the command is loaded, which takes a moment in which Ctrl-C would end the process without a word.
const leave = (code: number): void => {
  printNote(terminal, 'interrupted before anything was done');
  process.exit(code);
};
new Interrupt(process, (signal) => leave(exitCodeOfSignal(signal)), leave);

/** Why standard output is not whole. What a command has sent by then is booked in its files all the same. */
let problem: NodeJS.ErrnoException | null = null;
stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has left (`peal send --json | head -1`) is no reason to lose the books of a send.
  if (error.code !== 'EPIPE') problem ??= error;
});
// There is no one left to tell.
stderr.on('error', () => {});

const { runCommandLine } = await import('./program.js');
await signalsHeard();
let code = await runCommandLine(process.argv.slice(2), terminal);
// The stream tells of its last write in a later turn.
await new Promise((resolve) => setImmediate(resolve));
if (problem !== null) {
  printNote(terminal, `standard output ${writeProblem(problem)}.`);
  if (code === exitCodes.accepted || code === exitCodes.notAllAccepted) code = exitCodes.input;
}
process.exitCode = code;
setTimeout(() => process.exit(code), lingerMs).unref();
