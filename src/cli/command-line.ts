/**
 * The commands of peal: their names, arguments, options and help texts. The code of each command is loaded only when it
 * runs. Called by program for a command line, and by what is made from these definitions; main thread.
 */
import { Argument, Command } from 'commander';
import { readPipesAhead } from '../base/files/bounded-file.js';
import { maxCredentialFileBytes } from '../base/limits.js';
import { version } from '../base/version.js';
import { folderArgument, type ResumeFlags, rateArgument, resumeOptions } from './campaign/campaign-options.js';
import type { StatusFlags } from './campaign/status-options.js';
import type { ResumeCampaign } from './campaign/steer.js';
import type { BroadcastFlags } from './channels/broadcast-options.js';
import type { DispatchFlags } from './cluster/dispatch-options.js';
import type { WorkerFlags } from './cluster/worker-options.js';
import type { Shell } from './completion/shells.js';
import { configOption, hasSettings } from './config/config-options.js';
import type { DoctorFlags } from './doctor/doctor-options.js';
import type { FeedbackFlags } from './feedback/feedback-options.js';
import { broadcastHelp, completionHelp, doctorHelp, sendHelp } from './help-texts.js';
import type { ResumableCommand, SendCommand } from './send/resume.js';
import { type SendFlags, sendOptionGroups } from './send/send-options.js';
import { withLists } from './send/send-rules.js';
import type { ServeFlags } from './serve/serve-options.js';
import { addOptions, type GivenOption } from './shared/command-options.js';
import { smallFiles } from './shared/credential-options.js';
import type { ExitCode } from './shared/exit-codes.js';
import { deliverPendingSignals } from './shared/interrupt.js';
import type { OptionGroup } from './shared/option-values.js';
import { printable, type Terminal } from './shared/terminal.js';
import type { SimulateFlags } from './simulate/simulate-options.js';

/**
 * Resolves with the commands. The options of a command, and its actions, are there only where the command line can be
 * about it: reading them costs time.
 *
 * @param args the command line; `'all'`: every command has its options, for texts that are made from them
 * @param onEnd called with the exit code of the command that was run
 */
export async function commandLine(
  args: readonly string[] | 'all',
  terminal: Terminal,
  onEnd: (code: ExitCode) => void,
): Promise<Command> {
  const written = args === 'all' ? [] : args;
  const mayBe = (name: string): boolean => args === 'all' || args.includes(name);
  const add = async (
    command: Command,
    groups: () => readonly OptionGroup[] | Promise<readonly OptionGroup[]>,
  ): Promise<readonly GivenOption[]> => (mayBe(command.name()) ? addOptions(command, await groups()) : []);

  const program = new Command('peal')
    .description(
      'Sends one push notification to millions of devices, through APNs and FCM, and reports the outcome for every token.',
    )
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => {
        if (terminal.log === undefined) terminal.stderr.write(text);
        else if (text.trim() !== '') terminal.log.logger.error({}, text.trim());
      },
      outputError: (text, write) => write(usageText(text)),
    })
    .showHelpAfterError('(--help lists the options)');

  const send = program
    .command('send')
    .summary('send one notification to a list of device tokens')
    .description('Sends one notification to a list of device tokens.')
    .argument('[lists...]', 'the lists of device tokens, instead of --tokens')
    .addHelpText('after', sendHelp)
    .action(async (lists: readonly string[], options: Partial<SendFlags>) => {
      const flags = withLists(options as SendFlags, lists);
      if (flags.dryRun === true) {
        const { runDryRun } = await loaded(import('./send/dry-run.js'));
        onEnd(await runDryRun(flags, terminal));
        return;
      }
      const { runSend } = await loaded(import('./send/send.js'));
      const kept = { args: written, cwd: process.cwd() };
      onEnd((await runSend(flags, terminal, { settings, kept })).exitCode);
    });
  const settings = await add(send, sendOptionGroups);

  const dispatch = program
    .command('dispatch')
    .summary('send one notification by the workers of a cluster')
    .description('Sends one notification to a list of device tokens, as peal send does, by the workers of a cluster.')
    .argument('[lists...]', 'the lists of device tokens, instead of --tokens')
    .action(async (lists: readonly string[], options: Partial<DispatchFlags>) => {
      const flags = withLists(options as DispatchFlags, lists);
      const { runDispatch } = await loaded(import('./cluster/dispatch.js'));
      onEnd(await runDispatch(flags, terminal, { settings: dispatched, kept: { args: written, cwd: process.cwd() } }));
    });
  const dispatched = await add(dispatch, async () =>
    (await import('./cluster/dispatch-options.js')).dispatchOptionGroups(),
  );

  const worker = program
    .command('worker')
    .summary('send slices of campaigns that are dispatched to a cluster')
    .description(
      'Sends slices of the campaigns of a cluster, until it is interrupted. docs/many-machines.md describes it.',
    )
    .action(async (options: WorkerFlags) => {
      const { runWorker } = await loaded(import('./cluster/worker.js'));
      onEnd(await runWorker(options, terminal));
    });
  await add(worker, async () => (await import('./cluster/worker-options.js')).workerOptionGroups());

  const status = program
    .command('status')
    .summary('show how a campaign stands, from the directory of --out, or a cluster')
    .description('Shows how a campaign stands, whether or not a process is at work on it, or all of a cluster.')
    .argument('[dir]', 'the directory of the campaign', folderArgument)
    .action(async (dir: string | undefined, options: StatusFlags) => {
      const { statusSubject } = await import('./campaign/status-options.js');
      if (statusSubject(dir, options) === 'cluster') {
        const { statusOfCluster } = await loaded(import('./cluster/status-cluster.js'));
        onEnd(await statusOfCluster(options, terminal));
        return;
      }
      const { status } = await loaded(import('./campaign/status.js'));
      onEnd(await status(dir!, options, terminal));
    });
  await add(status, async () => (await import('./campaign/status-options.js')).statusOptions());

  const resume = program
    .command('resume')
    .summary('go on with a campaign that is paused or has stopped')
    .description('Goes on with a campaign that is paused or has stopped. What is not given here is as it was.')
    .argument('<dir>', 'the directory of the campaign', folderArgument)
    .action(async (dir: string, options: ResumeFlags) => {
      const { resume } = await loaded(import('./campaign/steer.js'));
      onEnd(await resume(dir, options, terminal, resumeWith(given)));
    });
  const given = await add(resume, resumeOptions);

  program
    .command('pause')
    .summary('pause a campaign that runs')
    .description('Pauses a campaign that another process runs. Recipients that are under way are answered.')
    .argument('<dir>', 'the directory of the campaign', folderArgument)
    .action(async (dir: string) => {
      const { pause } = await loaded(import('./campaign/steer.js'));
      onEnd(await pause(dir, terminal));
    });

  program
    .command('rate')
    .summary('change the rate of a campaign that runs')
    .description('Changes the rate of a campaign that another process runs.')
    .argument('<dir>', 'the directory of the campaign', folderArgument)
    .argument('<rate>', '500/s, 30000/min, off (no limit), or a timetable "08:00,500/s 20:00,off"', rateArgument)
    .action(async (dir: string, text: string) => {
      const { rate } = await loaded(import('./campaign/steer.js'));
      onEnd(await rate(dir, text, terminal));
    });

  program
    .command('report')
    .summary('write summary.json and report.html of a campaign')
    .description('Writes summary.json and report.html of a campaign into its directory, also while it runs.')
    .argument('<dir>', 'the directory of the campaign', folderArgument)
    .action(async (dir: string) => {
      const { report } = await loaded(import('./campaign/report.js'));
      onEnd(await report(dir, terminal));
    });

  const feedback = program
    .command('feedback')
    .summary('read the list of a feedback gateway (binary protocol)')
    .description(
      'Reads from a feedback gateway the tokens of devices without the app. The gateway then clears its list.',
    )
    .action(async (options: FeedbackFlags) => {
      const { feedback } = await loaded(import('./feedback/feedback.js'));
      onEnd(await feedback(options, terminal));
    });
  await add(feedback, async () => (await import('./feedback/feedback-options.js')).feedbackOptionGroups());

  const broadcast = program
    .command('broadcast')
    .summary('send one update of a Live Activity to all subscribers of channels')
    .description('Sends one update of a Live Activity to all subscribers of one or more channels.')
    .addHelpText('after', broadcastHelp)
    .action(async (options: BroadcastFlags) => {
      const { runBroadcast } = await loaded(import('./channels/broadcast.js'));
      onEnd(await runBroadcast(options, terminal));
    });
  await add(broadcast, async () => (await import('./channels/broadcast-options.js')).broadcastOptionGroups());

  const channels = program
    .command('channels')
    .summary('create, read, list and remove the channels that broadcasts go to')
    .description('Manages the channels of an app, which broadcasts of Live Activities go to.');
  if (mayBe('channels')) {
    const { addChannelsActions } = await import('./channels/channels-commands.js');
    addChannelsActions(channels, terminal, () => loaded(import('./channels/channels.js')), onEnd);
  }

  const serve = program
    .command('serve')
    .summary('run a service that programs in other languages send through, over HTTP')
    .description(
      'Runs an HTTP service that sends for other programs, until it is interrupted. docs/serve.md describes it.',
    )
    .action(async (options: ServeFlags) => {
      const { serve } = await loaded(import('./serve/serve.js'));
      onEnd(await serve(options, terminal));
    });
  await add(serve, async () => (await import('./serve/serve-options.js')).serveOptionGroups());

  const credentials = program
    .command('credentials')
    .summary('keep certificates and keys in a store that all machines share')
    .description('Keeps certificates and keys by app and environment in a store. docs/credentials.md describes it.');
  if (mayBe('credentials')) {
    const { addCredentialsActions } = await import('./credentials/credentials-commands.js');
    addCredentialsActions(credentials, terminal, () => loaded(import('./credentials/credentials.js')), onEnd);
  }

  const doctor = program
    .command('doctor')
    .summary('look at everything that a push needs, and say what to do')
    .description(
      'Looks at this machine, the credential, the clock and the way to the gateway, and says what to do. Nothing is ' +
        'delivered.',
    )
    .addHelpText('after', doctorHelp)
    .action(async (options: DoctorFlags) => {
      const { doctor } = await loaded(import('./doctor/doctor.js'));
      onEnd(await doctor(options, terminal));
    });
  await add(doctor, async () => (await import('./doctor/doctor-options.js')).doctorOptionGroups());
  const config = program
    .command('config')
    .summary('show the settings of files, variables and options, and the schema of the file')
    .description('Shows the settings of files, variables and options. docs/configuration.md describes them.');
  if (mayBe('config')) {
    const { addConfigActions } = await import('./config/config-commands.js');
    const all = (): Promise<Command> => commandLine('all', terminal, onEnd);
    addConfigActions(config, terminal, all, () => loaded(import('./config/config.js')), onEnd);
  }

  const simulate = program
    .command('simulate')
    .summary('run a simulator of the APNs gateway')
    .description('Runs a simulator of the APNs gateway until it is interrupted. docs/simulator.md describes it.')
    .action(async (options: SimulateFlags) => {
      const { simulate } = await loaded(import('./simulate/simulate.js'));
      onEnd(await simulate(options, terminal));
    });
  await add(simulate, async () => (await import('./simulate/simulate-options.js')).simulateOptionGroups());

  const demo = program
    .command('demo')
    .summary('send 100,000 notifications to a simulator on this machine, and compare the books of both sides')
    .description('Sends notifications to a simulator in a process of its own, and compares the books of both sides.')
    .action(async (options: { readonly tokens: number; readonly threads: number | 'auto' }) => {
      const { demo } = await loaded(import('./demo/demo.js'));
      onEnd(await demo(options, terminal));
    });
  await add(demo, async () => (await import('./demo/demo-options.js')).demoOptions());

  const completion = program
    .command('completion')
    .summary('print a script by which a shell completes command lines of peal')
    .description('Prints a script by which a shell completes command lines of peal.')
    .addHelpText('after', completionHelp)
    .action(async (shell: Shell) => {
      const { scriptOf } = await loaded(import('./completion/shell-scripts.js'));
      terminal.stdout.write(await scriptOf(shell));
    });
  const shell = new Argument('<shell>', 'the shell');
  completion.addArgument(mayBe('completion') ? shell.choices((await import('./completion/shells.js')).shells) : shell);

  // What these scripts ask. The words are those of the line, so the options of the command that they name are there.
  program
    .command('complete', { hidden: true })
    .description('Prints what may follow a command line that is half written.')
    .argument('[words...]', 'what stands after peal, up to the cursor')
    .action(async (words: readonly string[]) => {
      const { printCompletions } = await loaded(import('./completion/completion.js'));
      printCompletions(program, words, terminal);
    });
  addConfigOption(program);
  // A signal is heard while a pipe is waited for, and not while a command loads its credential.
  program.hook('preAction', async (_program, command) => {
    await readPipesAhead(smallFiles(command.name(), command.opts()), maxCredentialFileBytes);
  });
  return program;
}

/** Each command whose settings may come from a file. program has read the option when commander comes to it. */
function addConfigOption(program: Command): void {
  const commands = program.commands.filter(hasSettings).flatMap((command) => [command, ...command.commands]);
  for (const command of commands) if (command.options.length > 0) command.addOption(configOption());
}

/** A command that begins campaigns, loaded. */
async function commandNamed(name: ResumableCommand): Promise<SendCommand> {
  if (name === 'send') {
    const { runSend } = await loaded(import('./send/send.js'));
    return { groups: sendOptionGroups, run: async (...given) => (await runSend(...given)).exitCode };
  }
  const { runDispatch } = await loaded(import('./cluster/dispatch.js'));
  const { dispatchOptionGroups } = await import('./cluster/dispatch-options.js');
  return { groups: dispatchOptionGroups, run: runDispatch };
}

/** Goes on with a campaign that no process runs. */
/** @param given the options of `peal resume` as they are written */
const resumeWith =
  (given: readonly GivenOption[]): ResumeCampaign =>
  async (folder, view, flags, terminal) => {
    const { resumeCampaign } = await loaded(import('./send/resume.js'));
    return await resumeCampaign(folder, view, flags, given, terminal, commandNamed);
  };

/** Resolves with a command's code once it is loaded and the signals that arrived meanwhile were delivered. */
async function loaded<T>(command: Promise<T>): Promise<T> {
  const code = await command;
  await deliverPendingSignals();
  return code;
}

/**
 * The message of commander about a wrong use, without the value of an unknown option: that of `--passphrase=…` must not
 * appear on a screen or in a log.
 */
function usageText(text: string): string {
  const said = text.replace(/^error: /, 'peal: ').replace(/(unknown option '--[^=\n]*)=.*'/s, "$1'");
  return said.split('\n').map(printable).join('\n');
}
