import assert from 'node:assert/strict';
import { atLevel, type Logger, type LogLevel, leastLevel, silentLogger, wants } from '../../src/base/log.js';

function recorder(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const method =
    (level: string) =>
    (_fields: object, message: string): void =>
      void lines.push(`${level} ${message}`);
  const [trace, debug, info, warn, error] = ['trace', 'debug', 'info', 'warn', 'error'].map(method);
  return { logger: { trace: trace!, debug: debug!, info: info!, warn: warn!, error: error! }, lines };
}

describe('base/log', () => {
  it('knows what a logger wants: what it has a method for, or what it says when asked, as pino does', () => {
    const { logger } = recorder();
    const asked = { ...logger, isLevelEnabled: (level: LogLevel) => level === 'warn' || level === 'error' };
    assert.equal(leastLevel(silentLogger), null);
    assert.equal(leastLevel(logger), 'trace');
    assert.equal(leastLevel({ ...silentLogger, warn: logger.warn }), 'warn');
    assert.equal(leastLevel(asked), 'warn');
    assert.deepEqual([wants(asked, 'info'), wants(asked, 'warn'), wants(asked, 'error')], [false, true, true]);
    assert.equal(wants(silentLogger, 'error'), false);
  });

  it('leaves out what is finer than a level', () => {
    const { logger, lines } = recorder();
    const limited = atLevel('info', logger);
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) limited[level]({}, 'hello');
    assert.deepEqual(lines, ['info hello', 'warn hello', 'error hello']);
    assert.equal(leastLevel(limited), 'info');
  });
});
