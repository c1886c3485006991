/**
 * Runs the command line in this process and sets its exit code. Called by main; in the package, scripts/commonjs puts a
 * file in its place that gets it from dist/cjs. Only these two files use the process's own streams. Main thread.
 */
import { writeProblem } from '../base/file-errors.js';
import { writeInterruption } from './send/json-lines.js';
import { type ExitCode, exitCodes } from './shared/exit-codes.js';
import { deliverPendingSignals, exitCodeOfSignal, Interrupt } from './shared/interrupt.js';
import { asksForJson, printNote, writeJsonLine } from './shared/terminal.js';

/** How long the process waits, after the end of the command, for anything that still holds it. */
const lingerMs = 2_000;

const { stdin, stdout, stderr, env } = process;
const terminal = { stdin, stdout, stderr, env };

/** A sentence of the process itself, also while nothing of a log is loaded. */
const say = (sentence: string): void => {
  if (!asksForJson(process.argv, env)) printNote(terminal, sentence);
  else writeJsonLine(stderr, { level: 'info', time: new Date().toISOString(), pid: process.pid, msg: sentence });
};

/** Resolves once the command has ended and the exit code is set. Called once. */
export async function runProcess(): Promise<void> {
  // Set before the command is loaded, because until then Ctrl-C would end the process silently.
  const leave = (code: ExitCode): void => {
    const message = 'interrupted before anything was done';
    const [command, ...options] = process.argv.slice(2);
    if (command === 'send' && options.includes('--json')) writeInterruption(stdout, message, code);
    say(message);
    process.exit(code);
  };
  new Interrupt(process, (signal) => leave(exitCodeOfSignal(signal)), leave);

  /** Why standard output is incomplete. The files of the command are written all the same. */
  let problem: NodeJS.ErrnoException | null = null;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    problem ??= error;
  });
  // An error about standard error cannot be reported anywhere.
  stderr.on('error', () => {});

  const { runCommandLine } = await import('./program.js');
  await deliverPendingSignals();
  const args = process.argv.slice(2);
  let code = await runCommandLine(args, terminal);
  // The stream reports its last write in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  const lost = lossOfOutput(problem, args);
  if (lost !== null) {
    say(lost);
    if (code === exitCodes.accepted || code === exitCodes.notAllAccepted) code = exitCodes.input;
  }
  process.exitCode = code;
  setTimeout(() => process.exit(code), lingerMs).unref();
}

/**
 * The note that standard output could not be written, or null. A reader that closes the pipe early is no problem for
 * help texts and for the addresses of a simulator. It is one for outcomes: the reader may not know that there was more.
 */
function lossOfOutput(
  error: NodeJS.ErrnoException | null,
  [command, action]: readonly (string | undefined)[],
): string | null {
  if (error === null) return null;
  if (error.code !== 'EPIPE') return `standard output ${writeProblem(error)}.`;
  const hasOutcomes = ['send', 'feedback', 'demo', 'broadcast'].includes(command ?? '');
  const changesChannels = command === 'channels' && (action === 'create' || action === 'remove');
  if (!hasOutcomes && !changesChannels) return null;
  return 'standard output was closed by its reader before everything was written; the command went on to its end.';
}
