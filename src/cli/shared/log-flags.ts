/**
 * `--log-level` and `--log-format`: a log of a command on standard error, written by pino, beside its sentences or, as JSON,
 * instead of them. The same logger is that of the session. Shared by the commands that send; main thread.
 */
import { Option } from 'commander';
import type { Logger } from '../../base/log.js';
import { asksForJson, type CommandLog, hasColour, type Terminal } from './terminal.js';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
const formats = ['json', 'pretty'] as const;

/** These options, parsed. */
export interface LogFlags {
  readonly logLevel?: (typeof levels)[number];
  readonly logFormat?: (typeof formats)[number];
}

export function logOptions(): Option[] {
  return [
    new Option(
      '--log-level <level>',
      'log on standard error what is as important as that, or more (default with --log-format: info)',
    ).choices(levels),
    new Option(
      '--log-format <format>',
      'json: standard error has lines of JSON only; pretty: for people (default with --log-level: pretty on a ' +
        'terminal, else json)',
    ).choices(formats),
  ];
}

/**
 * Returns a terminal with the log that the options ask for, and the same terminal without such options.
 *
 * @param bindings fields of every line, such as the campaign
 */
export async function openLog(flags: LogFlags, terminal: Terminal, bindings: object = {}): Promise<Terminal> {
  const { logLevel, logFormat } = flags;
  if (logLevel === undefined && logFormat === undefined) return terminal;
  const { stderr } = terminal;
  const format = logFormat ?? (stderr.isTTY === true ? 'pretty' : 'json');
  const { pino, stdTimeFunctions } = await import('pino');
  const shown = format === 'pretty' ? await prettifier(hasColour(terminal, stderr)) : (line: string): string => line;
  const options = {
    level: logLevel ?? 'info',
    base: { pid: process.pid, ...bindings },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  const write = (line: string): void => log.around(() => stderr.write(shown(line)));
  const logger: Logger = pino(options, { write });
  const log: CommandLog = { logger, isJson: format === 'json', around: (print) => print() };
  return { ...terminal, log };
}

/** Lines for people: `12:25:01.250 INFO: connection open {"gateway":"https://…"}`. */
async function prettifier(colorize: boolean): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const translateTime = 'SYS:HH:MM:ss.l';
  const prettify = prettyFactory({ colorize, translateTime, ignore: 'pid,campaign', singleLine: true });
  return (line) => prettify(line) ?? line;
}

/**
 * A terminal whose sentences are lines of JSON if the command line asks for that: what is wrong with the command line itself
 * is told before its options are known.
 */
export async function withEarlyLog(args: readonly string[], terminal: Terminal): Promise<Terminal> {
  return asksForJson(args) ? await openLog({ logFormat: 'json' }, terminal) : terminal;
}
