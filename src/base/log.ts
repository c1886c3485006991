/**
 * The logger of peal. Silent unless a logger is given; a pino instance fits as it is.
 *
 * Levels: `error` a fault of ours; `warn` what a person should look at; `info` what happens a few times in a run;
 * `debug` the life of a connection; `trace` its single reads and writes. Nothing is logged for a single notification.
 */

type LogMethod = (fields: object, message: string) => void;

export interface Logger {
  trace: LogMethod;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
}

export type LogLevel = keyof Logger;

/** From the finest to the coarsest. */
const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

const ignore: LogMethod = () => {};

export const silentLogger: Logger = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Loggers that say which levels they write, such as pino's. */
interface LevelledLogger extends Logger {
  isLevelEnabled?(level: LogLevel): boolean;
}

/**
 * Returns the finest level that `logger` writes, or null if it writes no level. A logger that does not tell writes each
 * level that it has a method for.
 */
export function leastLevel(logger: LevelledLogger): LogLevel | null {
  const isWanted = (level: LogLevel): boolean => logger[level] !== ignore && (logger.isLevelEnabled?.(level) ?? true);
  return levels.find(isWanted) ?? null;
}

/**
 * Returns whether `logger` writes lines of `level`. Asked once for each connection, so that no line is built in vain.
 */
export function wants(logger: Logger, level: LogLevel): boolean {
  const least = leastLevel(logger);
  return least !== null && levels.indexOf(least) <= levels.indexOf(level);
}

/** Returns `logger` without the levels finer than `least`. */
export function atLevel(least: LogLevel, logger: Logger): Logger {
  const finer = levels.slice(0, levels.indexOf(least));
  return { ...logger, ...Object.fromEntries(finer.map((level) => [level, ignore])) };
}
