/**
 * The command line: which commands there are, and what becomes of their errors. Each command's code is loaded only when
 * it runs. Called by main, on the main thread.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, type Option } from 'commander';
import { demoOptions } from './demo-options.js';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.js';
import { type FeedbackFlags, feedbackOptionGroups } from './feedback-options.js';
import { deliverPendingSignals } from './interrupt.js';
import { type OptionGroup, repeated } from './option-values.js';
import { type SendFlags, sendOptionGroups } from './send-options.js';
import { withLists } from './send-rules.js';
import { type SimulateFlags, simulateOptionGroups } from './simulate-options.js';
import { printable, printError, type Terminal } from './terminal.js';

/** Runs one command line (without node and script) to its exit code. Prints errors; never throws. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.accepted;
  const program = commandLine(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own: help and version with code 0, wrong use with another.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.accepted : exitCodes.usage;
    printError(terminal, error);
    return exitCodeOf(error);
  }
}

function commandLine(terminal: Terminal, onEnd: (code: ExitCode) => void): Command {
  const program = new Command('peal')
    .description('Sends one push notification to millions of Apple devices, and says of every token what became of it.')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: (text, write) => write(usageText(text)),
    })
    .showHelpAfterError('(--help shows how it is used)');

  const send = program
    .command('send')
    .summary('send one notification to a list of device tokens')
    .description('Sends one notification to a list of device tokens.')
    .argument('[lists...]', 'the lists, in the place of --tokens')
    .addHelpText('after', sendHelp)
    .action(async (lists: readonly string[], options: Partial<SendFlags>) => {
      const { runSend } = await loaded(import('./send.js'));
      onEnd((await runSend(withLists(options as SendFlags, lists), terminal)).exitCode);
    });
  addOptions(send, sendOptionGroups());

  const feedback = program
    .command('feedback')
    .summary('read the list of a feedback gateway (binary protocol)')
    .description(
      'Reads, once, which device tokens a feedback gateway says the app is gone from. It clears its list then.',
    )
    .action(async (options: FeedbackFlags) => {
      const { feedback } = await loaded(import('./feedback.js'));
      onEnd(await feedback(options, terminal));
    });
  addOptions(feedback, feedbackOptionGroups());

  const simulate = program
    .command('simulate')
    .summary('run a simulator of the APNs gateway')
    .description('Runs a simulator of the APNs gateway until it is interrupted. docs/simulator.md describes it.')
    .action(async (options: SimulateFlags) => {
      const { simulate } = await loaded(import('./simulate.js'));
      onEnd(await simulate(options, terminal));
    });
  addOptions(simulate, simulateOptionGroups());

  const demo = program
    .command('demo')
    .summary('send 100,000 notifications to a simulator on this machine, and compare the books of both')
    .description('Sends notifications to a simulator in a process of its own, and compares the books of both sides.')
    .action(async (options: { readonly tokens: number; readonly threads: number | 'auto' }) => {
      const { demo } = await loaded(import('./demo.js'));
      onEnd(await demo(options, terminal));
    });
  addOptions(demo, demoOptions());
  return program;
}

/** A command's code, once it is there and no signal from the time of its loading is unheard. */
async function loaded<T>(command: Promise<T>): Promise<T> {
  const code = await command;
  await deliverPendingSignals();
  return code;
}

/**
 * What commander says of a wrong use. It repeats an option that it does not know with its value, and the value of
 * `--passphrase=…` is nothing for a screen or a log.
 */
function usageText(text: string): string {
  const said = text.replace(/^error: /, 'peal: ').replace(/(unknown option '--[^=\n]*)=.*'/s, "$1'");
  return said.split('\n').map(printable).join('\n');
}

function addOptions(command: Command, groups: readonly OptionGroup[]): void {
  for (const { heading, options } of groups) {
    for (const option of options) {
      command.addOption(option.helpGroup(heading));
      if (option.parseArg !== repeated) refuseTwice(command, option);
      if (option.required) refuseEmpty(option);
    }
  }
}

/** Commander lets the last one win, and drops the others without a word. */
function refuseTwice(command: Command, option: Option): void {
  let isGiven = false;
  command.on(`option:${option.name()}`, () => {
    if (isGiven) command.error(`error: option '${option.flags}' is given twice, and can have only one value`);
    isGiven = true;
  });
}

/**
 * An empty value is that of a shell variable that is not set, and hardly ever what somebody meant: an empty alert would go
 * to everybody.
 */
function refuseEmpty(option: Option): void {
  const parse = option.parseArg;
  option.argParser((text: string, before: unknown) => {
    if (text.trim() === '') {
      throw new InvalidArgumentError('It is empty: leave the option out, or check that the shell variable is set.');
    }
    return parse === undefined ? text : (parse as (value: string, previous: unknown) => unknown)(text, before);
  });
}

function version(): string {
  // Two or three folders up, depending on where the package was compiled to.
  for (const up of ['../../', '../../../', '../../../../', '../../../../../']) {
    const file = new URL(`${up}package.json`, import.meta.url);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  return 'unknown';
}

const sendHelp = `
Exit codes:
  0  every recipient was accepted
  1  a fault of peal itself: please report it
  2  the command line, the message or the gateway address is wrong; nothing was sent
  3  finished, and some recipients were not accepted (invalid lines included)
  4  stopped early: no way to the gateway, or the same refusal for everything
  5  key, certificate or passphrase cannot be used; nothing was sent
  6  the list cannot be read or holds no tokens, or the files of --out cannot be written
  7  this process may open too few files (ulimit -n)
  129, 130, 143  interrupted (SIGHUP, Ctrl-C, SIGTERM)

Example:
  peal send --tokens tokens.txt --alert 'Hello' --topic com.example.app \\
    --key AuthKey_ABCDE12345.p8 --key-id ABCDE12345 --team-id FGHIJ67890 --environment production --out run-1
`;
