/**
 * Runs a command line: reads its options, beside them the settings of file and environment, runs its command, and
 * prints errors. Called by run-process, on the main thread.
 */
import { CommanderError } from 'commander';
import { commandLine } from './command-line.js';
import { mayHaveSettings } from './config/first-look.js';
import { type ExitCode, exitCodeOf, exitCodes } from './shared/exit-codes.js';
import { withEarlyLog } from './shared/log-flags.js';
import { printError, printNote, printSources, type Terminal } from './shared/terminal.js';

/** Runs one command line (without node and script) to its exit code. Prints errors; never throws. */
export async function runCommandLine(args: readonly string[], given: Terminal): Promise<ExitCode> {
  let terminal = await withEarlyLog(args, given);
  let exitCode: ExitCode = exitCodes.accepted;
  try {
    let line: readonly string[] = args;
    if (mayHaveSettings(args, given.env)) {
      const { expandedLine } = await import('./config/expanded-line.js');
      const expanded = await expandedLine(args, given.env, (wanted) => commandLine(wanted, terminal, () => {}));
      line = expanded.args;
      const { sourcesIn, file, sources, notes } = expanded;
      terminal = { ...(await withEarlyLog(line, given)), sourcesIn, settings: { file, sources, notes } };
      // The doctor has a step for them.
      const isTold = line.includes('--quiet') || line[0] === 'doctor';
      if (!isTold) for (const note of notes) printNote(terminal, note);
    }
    const program = await commandLine(line, terminal, (code) => {
      exitCode = code;
    });
    await program.parseAsync(line, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has already printed help, version or a wrong use. Help and version have code 0.
      if (error.exitCode === 0) return exitCodes.accepted;
      printSources(terminal, error.message);
      return exitCodes.usage;
    }
    printError(terminal, error);
    return exitCodeOf(error);
  }
}
