/**
 * What one step of `peal doctor` found: the form that all steps share, and how errors of peal become it. Pure, but for
 * the time that `within` gives; main thread.
 */
import { PealError } from '../../base/errors.js';
import { type ExitCode, exitCodeOf, exitCodes } from '../shared/exit-codes.js';
import { commandMessage } from '../shared/wording.js';

/** The names of the steps, which scripts may rely on. */
export type StepName =
  | 'node'
  | 'files'
  | 'settings'
  | 'key'
  | 'certificate'
  | 'provider-token'
  | 'service-account'
  | 'topic'
  | 'trust'
  | 'clock'
  | 'name'
  | 'connection'
  | 'proxy'
  | 'tls'
  | 'alpn'
  | 'http2'
  | 'access-token'
  | 'push';

export type StepState = 'ok' | 'warning' | 'failed' | 'skipped';

/** What programs read beside the sentences: plain data, and nothing secret. */
type StepDetails = Readonly<Record<string, unknown>>;

/** The push services that a run may be about. */
export type PushService = 'apns' | 'fcm';

export interface Step {
  readonly step: StepName;
  /** The service that it is about; null where it is about the machine, or about all that is sent. */
  readonly service: PushService | null;
  readonly state: StepState;
  /** One line: what was found, or why nothing was looked for. */
  readonly found: string;
  /** One or more sentences that say what to do; null where nothing has to be done. */
  readonly advice: string | null;
  /** What the command ends with because of it; null unless it has failed. */
  readonly exitCode: ExitCode | null;
  readonly details: StepDetails;
}

export function ok(step: StepName, found: string, details: StepDetails = {}): Step {
  return { step, service: null, state: 'ok', found, advice: null, exitCode: null, details };
}

export function warning(step: StepName, found: string, advice: string, details: StepDetails = {}): Step {
  return { step, service: null, state: 'warning', found, advice, exitCode: null, details };
}

export function skipped(step: StepName, why: string): Step {
  return { step, service: null, state: 'skipped', found: why, advice: null, exitCode: null, details: {} };
}

export function failed(
  step: StepName,
  found: string,
  advice: string,
  exitCode: ExitCode,
  details: StepDetails = {},
): Step {
  return { step, service: null, state: 'failed', found, advice, exitCode, details };
}

/**
 * A step that has failed with an error of peal. Its sentence says what was wrong and, behind a colon, what to do.
 *
 * @param usual what to do where the sentence does not say it
 * @throws what is no error of peal
 */
export function failedBy(step: StepName, error: unknown, usual: string, details: StepDetails = {}): Step {
  if (!(error instanceof PealError)) throw error;
  const { found, advice } = divided(commandMessage(error));
  const exitCode = error.origin === 'credential' ? exitCodes.credentials : exitCodeOf(error);
  return failed(step, found, advice ?? usual, exitCode, { code: error.code, ...details });
}

/** The two halves of a sentence. The second begins behind the last colon that a word in small letters follows. */
function divided(message: string): { readonly found: string; readonly advice: string | null } {
  const [, found, advice] = /^(.*\S): ([a-z].*)$/s.exec(message) ?? [];
  if (found === undefined || advice === undefined) return { found: message.replace(/\.$/, ''), advice: null };
  return { found, advice: asSentence(advice) };
}

/** Begins with a capital letter, and ends with a full stop. */
export function asSentence(text: string): string {
  const whole = /[.!?]$/.test(text) ? text : `${text}.`;
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}

/** Why a step waited in vain: for too long, or because the command is interrupted. */
export class TimeIsUp extends Error {}

/**
 * Resolves with what `work` resolves with, or rejects with TimeIsUp after `ms` and where `signal` aborts. The signal of
 * `work` is aborted then, and at its end.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => {};
  const isLate = new Promise<never>((_resolve, reject) => {
    stop = () => {
      // Before the work ends for that reason, and says another one.
      reject(new TimeIsUp());
      ending.abort();
    };
    timer = setTimeout(stop, ms);
  });
  signal.addEventListener('abort', stop, { once: true });
  isLate.catch(() => {});
  const working = work(ending.signal);
  working.catch(() => {});
  try {
    return await Promise.race([working, isLate]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    ending.abort();
  }
}
