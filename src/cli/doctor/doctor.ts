/**
 * `peal doctor`: looks at everything that a push needs, in order, and says what was found and what to do. Nothing is
 * delivered to anybody. Main thread.
 */
import { heldUntil } from '../../base/process-hold.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { printNote, type Terminal } from '../shared/terminal.js';
import { checkDoctorFlags, type DoctorFlags } from './doctor-options.js';
import { examination } from './examination.js';
import { stepPrinter } from './printing.js';
import type { Step } from './step.js';

/**
 * Returns 0 where no step has failed, else what the first of those that have ends the command with.
 *
 * @throws PealError ERR_PEAL_OPTION, ERR_PEAL_ADDRESS for options that are wrong by themselves
 */
export async function doctor(flags: DoctorFlags, terminal: Terminal): Promise<ExitCode> {
  const services = checkDoctorFlags(flags, terminal.env);
  const printer = stepPrinter(terminal, { isJson: flags.json === true, isAboutBoth: services.length > 1 });
  const ending = new AbortController();
  const interrupted = new Promise<'interrupted'>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve('interrupted'));
  });
  using interrupt = new Interrupt(
    process,
    () => ending.abort(),
    (code) => process.exit(code),
  );
  const steps: Step[] = [];
  const examined = examination({
    flags,
    services,
    env: terminal.env,
    settings: terminal.settings,
    signal: ending.signal,
  });
  for (;;) {
    const next = await heldUntil(Promise.race([examined.next(), interrupted]));
    if (next === 'interrupted') break;
    if (next.done === true) break;
    steps.push(next.value);
    printer.step(next.value);
  }
  if (interrupt.exitCode !== null) {
    printNote(terminal, 'interrupted: the steps that are missing were not looked at');
    return interrupt.exitCode;
  }
  const exitCode = steps.find((step) => step.exitCode !== null)?.exitCode ?? exitCodes.accepted;
  printer.end(steps, exitCode);
  return exitCode;
}
