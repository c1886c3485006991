/**
 * The facts of a folder that another version wrote: refused in one sentence, or shown; never an error of the program.
 */
import assert from 'node:assert/strict';
import { PealError } from '../../../src/base/errors.js';
import { reportHtml } from '../../../src/campaign/report/report.js';
import { type CampaignFacts, readFacts } from '../../../src/campaign/view/campaign-facts.js';
import { type CampaignView, reportDataOf, summaryOf } from '../../../src/campaign/view/campaign-view.js';
import { mutationsOf } from '../../support/mutations.js';
import { runningFacts, startMs } from './view-facts.js';

const counts = { underWay: 0, accepted: 3, rejected: 2, unsent: 1, unknown: 1 };
const reasons = [{ reason: 'Unregistered', status: 410, count: 2 }];
const invalidLines = { list: 'users.csv', line: 3, why: 'has no token', shape: null };

/** With something in each field. */
const facts: CampaignFacts = {
  ...runningFacts,
  state: 'stopped',
  why: 'Stopped.',
  stopped: 'ERR_PEAL_BOUND',
  exitCode: 7,
  services: [
    { service: 'apns', invalid: 1, neverNoted: 0, reasons },
    { service: 'fcm', invalid: 0, neverNoted: 0, reasons: [] },
  ],
  reasons,
  causes: [{ code: 'ERR_PEAL_BOUND', message: 'Stopped.', unsent: 1, unknown: 0 }],
  invalidLines,
  unread: [{ list: 'users.csv', line: 7 }],
  runs: [{ startMs, endMs: startMs + 9, seconds: 9, answered: 3, answeredByService: [2, 1], end: 'Stopped.' }],
  rate: '500/s',
};

/** Shows it in every form. */
function show(shown: CampaignFacts): void {
  const given = { facts: shown, counts, parts: [counts, counts], latency: null, folder: 'run-7' };
  const summary = summaryOf({ ...given, isHeld: false, willReport: false });
  const view: CampaignView = {
    ...{ folder: 'run-7', facts: shown, summary, holder: null, underWay: 0, updatedMs: null },
    ...{ events: [], series: null, latency: null },
  };
  reportHtml(reportDataOf(view, '1.0.0', 'UTC', startMs));
}

describe('campaign facts', () => {
  it('are read as they were kept, with fields that a later version has beside them', () => {
    const kept: unknown = JSON.parse(JSON.stringify({ ...facts, later: true }));
    assert.deepEqual(readFacts(kept as Record<string, unknown>, 'run-7'), kept);
    assert.equal(readFacts({}, 'run-7'), null);
    show(facts);
  });

  it('of two services without reasons are refused in one sentence', () => {
    const services = facts.services!.map(({ reasons: _, ...others }) => others);
    assert.throws(() => readFacts({ ...facts, services }, 'run-7'), {
      code: 'ERR_PEAL_INPUT',
      message:
        'The campaign in run-7 was written by another version of peal: use that one to look at it or to go on with it.',
    });
  });

  it('of any other form are refused in one sentence or shown', () => {
    let refused = 0;
    for (const { name, data } of mutationsOf(facts)) {
      let read: CampaignFacts | null = null;
      try {
        read = readFacts({ ...data }, 'run-7');
      } catch (error) {
        assert.ok(error instanceof PealError, `${name}: ${String(error)}`);
        refused += 1;
      }
      assert.doesNotThrow(() => (read === null ? null : show(read)), name);
    }
    assert.ok(refused > 300, `${refused} were refused`);
  });
});
