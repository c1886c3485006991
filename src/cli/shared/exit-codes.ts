/**
 * The exit codes of the commands, for the scripts that call them. Used by every command, on the main thread. The
 * numbers are a contract (docs/cli.md); a code never gets another meaning.
 */
import { PealError, type PealErrorCode } from '../../base/errors.js';

export const exitCodes = {
  /** Every recipient was accepted. */
  accepted: 0,
  /** A fault of peal itself. */
  fault: 1,
  /** The command line, the message or another setting is wrong; nothing was sent. */
  usage: 2,
  /** Finished, and some recipients were not accepted, invalid lines included. */
  notAllAccepted: 3,
  /** Stopped before the end: the gateway could not be reached, or it refused everything for the same reason. */
  stopped: 4,
  /** Key, certificate or passphrase cannot be used; nothing was sent. */
  credentials: 5,
  /** The token list cannot be read or holds no token, or an output cannot be written. */
  input: 6,
  /** A campaign went over a bound that it was given, and can be resumed. */
  bound: 7,
  /** This process may open too few files (ulimit -n). Reported by main, which can import nothing. */
  limits: 8,
  /** Ended by SIGHUP (128 + 1): the terminal or the ssh connection is gone. */
  hungUp: 129,
  /** Ended by SIGINT (128 + 2). */
  interrupted: 130,
  /** Ended by SIGTERM (128 + 15). */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byErrorCode: Readonly<Partial<Record<PealErrorCode, ExitCode>>> = {
  ERR_PEAL_OPTION: exitCodes.usage,
  ERR_PEAL_TOKEN: exitCodes.usage,
  ERR_PEAL_HEADER: exitCodes.usage,
  ERR_PEAL_PAYLOAD: exitCodes.usage,
  ERR_PEAL_ADDRESS: exitCodes.usage,
  ERR_PEAL_CREDENTIAL: exitCodes.credentials,
  ERR_PEAL_INPUT: exitCodes.input,
  ERR_PEAL_BOUND: exitCodes.bound,
};

/** The exit code for an error that ended a command. Every error of gateway or engine is "stopped". */
export function exitCodeOf(error: unknown): ExitCode {
  if (isOutOfFiles(error)) return exitCodes.limits;
  if (!(error instanceof PealError)) return exitCodes.fault;
  return byErrorCode[error.code] ?? exitCodes.stopped;
}

/**
 * Returns whether a module, a thread or a file could not be opened because the process or the machine has too many open
 * files.
 */
export function isOutOfFiles(error: unknown): boolean {
  for (let at = error as NodeJS.ErrnoException | undefined; at instanceof Error; at = at.cause as never) {
    if (at.code === 'EMFILE' || at.code === 'ENFILE') return true;
  }
  return false;
}
