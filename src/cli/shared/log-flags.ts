/**
 * `--log-level` and `--log-format`: a log of a command on standard error, written by pino, beside its sentences or, as
 * JSON, instead of them. The same logger is that of the session. Shared by the commands that send; main thread.
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

/** Lines for people: `12:25:01.250 INFO: connection open {"gateway":"https://…"}`, with the time of this machine. */
async function prettifier(isColoured: boolean): Promise<(line: string) => string> {
  const { createColors } = (await import('picocolors')).default;
  const { dim, green, yellow, red } = createColors(isColoured);
  const paints: Readonly<Record<string, (text: string) => string>> = { info: green, warn: yellow, error: red };
  return (line) => {
    const { time, level, msg = '', pid: _, campaign: __, ...fields } = JSON.parse(line) as Record<string, string>;
    const at = new Date(time!);
    const two = (value: number): string => String(value).padStart(2, '0');
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    const rest = Object.keys(fields).length === 0 ? '' : ` ${dim(JSON.stringify(fields))}`;
    const name = (paints[level!] ?? dim)(level!.toUpperCase());
    return `${clock}.${String(at.getMilliseconds()).padStart(3, '0')} ${name}: ${msg}${rest}\n`;
  };
}

/**
 * A terminal whose sentences are lines of JSON if the command line, or the environment, asks for that: what is wrong
 * with the command line itself is told before its options are known.
 */
export async function withEarlyLog(args: readonly string[], terminal: Terminal): Promise<Terminal> {
  return asksForJson(args, terminal.env) ? await openLog({ logFormat: 'json' }, terminal) : terminal;
}
