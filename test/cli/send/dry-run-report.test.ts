import assert from 'node:assert/strict';
import type { DryRunReport } from '../../../src/campaign/dry-run.js';
import { type DryRunTextOptions, dryRunLines, dryRunMessage } from '../../../src/cli/send/dry-run-report.js';

const report: DryRunReport = {
  recipients: 1_234_567,
  invalid: 4003,
  duplicate: 17,
  invalidKinds: [
    { why: 'has no name, and the template has no default for it', count: 4000, list: 'exports/users.csv', line: 17 },
    { why: 'has 63 hex digits, an odd number', count: 3, list: 'exports/users.csv', line: 1_000_017 },
  ],
  payload: { least: 80, median: 97, most: 412, limit: 4096 },
  example: '{"aps":{"alert":{"title":"Hello Ada","body":"Your order 1 is on its way."}}}',
  variants: [
    { variant: 'de', recipients: 200_000 },
    { variant: null, recipients: 1_030_564 },
  ],
  defaults: [
    { column: 'name', recipients: 1234 },
    { column: 'city', recipients: 0 },
    { column: 'orders', recipients: 1 },
  ],
  isResumed: false,
  isRunning: false,
  alreadyDone: 0,
  unknown: 0,
  underWay: 0,
  outsideHours: 0,
  toSend: 1_230_564,
  seconds: 2462,
  limitedBy: 'rate',
  stoppedBy: null,
  sources: [
    {
      list: 'exports/users.csv',
      format: 'csv',
      columns: ['user_id', 'token', 'name', 'locale'],
      tokenColumn: 'token',
      recipients: 1_234_567,
    },
  ],
};
const options: DryRunTextOptions = { columns: 80, rate: '500/s', outside: null };

const text = (more: Partial<DryRunReport>, how: Partial<DryRunTextOptions> = {}): string =>
  dryRunLines({ ...report, ...more }, { ...options, ...how }).join('\n');

describe('cli/send/dry-run-report', () => {
  it('is a table with what was found', () => {
    assert.equal(
      text({}),
      `  recipients   1,234,567
  to send      1,230,564    99.68 %
  invalid          4,003     0.32 %
      4,000  line 17 of exports/users.csv has no name, and the template has no
             default for it, and others like it
          3  line 1,000,017 of exports/users.csv has 63 hex digits, an odd
             number, and others like it
  duplicates          17

  read from    exports/users.csv: CSV, device tokens in the column token,
               others: user_id, name, locale; 1,234,567 recipients
  payload      80 to 412 bytes, half of them up to 97; 4,096 are allowed
  variants     de 200,000, others 1,030,564
  defaults     name: 1,234 recipients get the default
               orders: 1 recipient gets the default
  time         41:02 at --rate 500/s

  The first recipient gets
    {"aps":{"alert":{"title":"Hello Ada","body":"Your order 1 is on its way."}}
    }

  Nothing was sent, and nothing was written.`,
    );
  });

  it('fits the terminal', () => {
    const kinds = Array.from({ length: 20 }, (_, at) => ({ ...report.invalidKinds[0]!, count: 20 - at }));
    const sources = Array.from({ length: 12 }, (_, at) => ({ ...report.sources[0]!, list: `list ${at}` }));
    for (const columns of [40, 80, 200]) {
      for (const line of text({ invalidKinds: kinds, sources }, { columns }).split('\n')) {
        assert.ok(line.length < Math.max(60, Math.min(columns, 100)), line);
      }
    }
    assert.match(text({ invalidKinds: kinds, sources }), /and for 12 other reasons\n[\s\S]*and 4 other lists/);
  });

  it('says where an earlier run has come to', () => {
    const begun = { isResumed: true, alreadyDone: 1_000_000, unknown: 12, toSend: 230_552 };
    assert.match(text(begun), / {2}done already 1,000,000 {4}81\.00 %\n {2}unknown {13}12 /);
    assert.match(text(begun), /campaign {5}an earlier run has begun it, and this one goes on\. Unknown/);
    assert.match(text({ ...begun, isRunning: true, underWay: 5 }), /a process is at work on it now/);
    assert.match(
      text({ ...begun, unknown: 0, toSend: 0 }),
      /there is nothing to send\n {2}campaign {5}nothing is left of it\n/,
    );
  });

  it('says what holds it up', () => {
    assert.match(text({ outsideHours: 9 }, { outside: 'hold' }), / {2}out of hours {2,}9 .*wait for their hours\n/);
    assert.match(text({ outsideHours: 9 }, { outside: 'later' }), /are left for a later run\n/);
    assert.match(text({ stoppedBy: 'maxDurationMs' }), /at --rate 500\/s; --max-duration stops it before that/);
    const endless = { seconds: null, stoppedBy: 'notAfter' } as const;
    assert.match(text(endless, { rate: null }), /there is no\s+--rate;\s+--not-after stops it/);
    assert.match(text(endless, { rate: 'off' }), /--rate off\s+sets\s+no limit now;/);
  });

  it('prints no control characters', () => {
    const sources = [{ ...report.sources[0]!, list: 'a\u001b[31m.csv', columns: ['\u202e', 'token'] }];
    const shown = text({ sources, example: '{"a":"\u001b[2J"}' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it('is one line of JSON with the keys of the report', () => {
    assert.deepEqual(Object.keys(dryRunMessage(report)), ['messageType', ...Object.keys(report)]);
  });
});
