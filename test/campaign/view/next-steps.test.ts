/** What a person does next, as sentences and commands. */
import assert from 'node:assert/strict';
import type { CampaignSummary, CountedReason, NextStep } from '../../../src/campaign/report/summary.js';
import { nextSteps } from '../../../src/campaign/view/next-steps.js';
import { emptyReport } from '../report/report-fixtures.js';

type Options = Parameters<typeof nextSteps>[1];

const { summary: nothing } = emptyReport();
const options: Options = { folder: 'run-7', protocol: 'http2', begunBy: 'command', gone: 0, atWorkers: 0 };

const csvFiles = ['gone.csv', 'rejected.csv', 'unknown.txt', 'invalid.csv'].map((name) => ({ name, use: '', rows: 1 }));

function stepsOf(summary: Partial<CampaignSummary>, others: Partial<Options> = {}): NextStep[] {
  return nextSteps({ ...nothing, files: csvFiles, ...summary }, { ...options, ...others });
}

const topic: CountedReason = { reason: 'TopicDisallowed', status: 400, count: 1033 };
const gone: CountedReason = { reason: 'Unregistered', status: 410, count: 7 };
const badToken: CountedReason = { reason: 'BadDeviceToken', status: 400, count: 311 };
const tooMany: CountedReason = { reason: 'TooManyRequests', status: 429, count: 1 };
const safety = 'Recipients that were accepted or rejected are not sent to again.';

describe('nextSteps', () => {
  it('asks nothing of a person where all went well, or goes on', () => {
    assert.deepEqual(stepsOf({ accepted: 5 }), []);
    assert.deepEqual(stepsOf({ state: 'running', unsent: 5, unknown: 3 }), []);
    assert.deepEqual(stepsOf({ state: 'paused' }, { folder: null }), []);
  });

  it('says how it goes on, for a command line and for a program, and quotes the folder for a shell', () => {
    const stopped = { state: 'stopped', unsent: 1200 } as const;
    assert.deepEqual(stepsOf(stopped, { folder: "it's mine" }), [
      { text: `Go on with it. 1,200 recipients are unsent. ${safety}`, command: "peal resume 'it'\\''s mine'" },
    ]);
    assert.deepEqual(stepsOf({ state: 'stopped' }, { folder: '-7' }), [
      { text: `Go on with it. ${safety}`, command: 'peal resume ./-7' },
    ]);
    const bounded = stepsOf({ ...stopped, stopped: 'ERR_PEAL_BOUND' });
    assert.match(
      bounded[0]!.text,
      /not sent to again\. Where it would stop at the same bound again, give the bound another/,
    );
    for (const name of ['--canary', 'option canary.recipients', '--canary-share', 'canary.minAccepted']) {
      const why = `The campaign was stopped by a bound: Only 3 of the first 100 were accepted (${name}).`;
      assert.match(
        stepsOf({ ...stopped, stopped: 'ERR_PEAL_BOUND', why })[0]!.text,
        /not sent to again\. The next recipients are a canary again\.$/,
      );
    }
    assert.deepEqual(stepsOf({ ...stopped, unsent: 1 }, { begunBy: 'program' }), [
      {
        text:
          'Go on with it by a campaign of the same message, recipients and folder. ' +
          `1 recipient is unsent. ${safety}`,
        command: null,
      },
    ]);
  });

  it('goes on with a finished one only where recipients are unsent, such as those outside of their hours', () => {
    assert.equal(stepsOf({ unsent: 3 })[0]!.command, 'peal resume run-7');
  });

  it('names what to delete, to decide and to mend, by the files that are there', () => {
    const summary = {
      ...{ rejected: 7, unknown: 214, invalid: 57, reasons: [gone] },
      invalidLines: {
        list: 'users.csv',
        line: 4711,
        why: 'has no device token in its column "push_token"',
        shape: null,
      },
    };
    assert.deepEqual(stepsOf(summary, { gone: 7 }), [
      {
        text:
          'Delete the 7 tokens of gone.csv from your database, unless an app has registered one of them again ' +
          'after the time that stands beside it.',
        command: null,
      },
      {
        text:
          'Decide about the 214 unknown recipients of unknown.txt, which were sent to without an answer: ' +
          'send to them again if showing the notification twice does no harm.',
        command: 'peal resume run-7 --on-unknown resend',
      },
      {
        text:
          'Mend the 57 lines that are not recipients, and send to what you mended as a campaign of its own: ' +
          'invalid.csv says where they are and what is wrong. ' +
          'The first is line 4,711 of users.csv, which has no device token in its column "push_token".',
        command: null,
      },
    ]);
    const files = ['gone.ndjson', 'invalid.ndjson'].map((name) => ({ name, use: '', rows: 1 }));
    const [first, second, third] = stepsOf({ ...summary, unknown: 1, invalidLines: null, files }, { gone: 7 });
    assert.match(first!.text, / of gone\.ndjson /);
    assert.match(second!.text, /^Decide about the 1 unknown recipient, which was sent to .* send to it again/);
    assert.match(third!.text, /: invalid\.ndjson says where they are and what is wrong\.$/);
  });

  it('gives the command once more where the list was standard input, which peal resume cannot read again', () => {
    const [goOn, resend] = stepsOf({ state: 'stopped', unsent: 3, unknown: 2 }, { begunBy: 'pipe' });
    assert.match(goOn!.text, /^Go on with it: give its command again, with the same list on standard input\. 3 rec/);
    assert.equal(goOn!.command, '… | peal send … --out run-7');
    assert.equal(resend!.command, '… | peal send … --out run-7 --on-unknown resend');
  });

  it("has a decision about recipients at workers wait until the workers' books were asked", () => {
    const killed = { state: 'stopped', unknown: 4215 } as const;
    const asks =
      'are at workers, whose books are asked first: decide only about recipients that are unknown after that.';
    assert.deepEqual(stepsOf(killed, { atWorkers: 4215 }), [
      { text: `Go on with it. 4,215 unknown recipients ${asks} ${safety}`, command: 'peal resume run-7' },
    ]);
    const [goOn, resend] = stepsOf(killed, { atWorkers: 4213 });
    assert.equal(goOn!.text, `Go on with it. 4,213 unknown recipients ${asks} ${safety}`);
    assert.match(resend!.text, /^Decide about the 2 unknown recipients of unknown\.txt/);
    assert.equal(resend!.command, 'peal resume run-7 --on-unknown resend');
    const [one] = stepsOf(killed, { atWorkers: 1 });
    assert.match(one!.text, / 1 unknown recipient is at workers, whose books are asked first: /);
  });

  it('leaves the resending of a program to the program', () => {
    assert.equal(stepsOf({ unknown: 2 }, { begunBy: 'program' })[0]!.command, null);
  });

  it('begins with the rejections where they stopped it, and sends to them as a campaign of their own', () => {
    const stopped = { state: 'stopped', stopped: 'ERR_PEAL_STOPPED', unsent: 5 } as const;
    const steps = stepsOf({ ...stopped, reasons: [topic, badToken, gone] }, { gone: 7 });
    assert.deepEqual(
      steps.map(({ text }) => text.split(' ').slice(0, 3).join(' ')),
      ['1,033 recipients were', '311 recipients were', 'Go on with', 'Delete the 7'],
    );
    assert.match(
      steps[0]!.text,
      /^1,033 recipients were rejected with 400 TopicDisallowed\. .+ Once that is mended, send to them as a campaign of their own: going on with this one leaves out what was rejected\.$/,
    );
    assert.equal(
      steps[0]!.command,
      `awk -F, 'NR==1 || $3=="TopicDisallowed"' run-7/rejected.csv | peal send --tokens - --token-column token …`,
    );
    assert.match(steps[1]!.command!, /\$3=="BadDeviceToken"/);
  });

  it('does not advise to send to bad tokens again where the sender is not to blame', () => {
    const [step, ...others] = stepsOf({ reasons: [badToken] });
    assert.match(step!.text, /^311 recipients were rejected with 400 BadDeviceToken\. The token is malformed/);
    assert.equal(step!.command, null);
    assert.deepEqual(others, []);
  });

  it('advises to send again after a passing fault', () => {
    const [step] = stepsOf({ reasons: [tooMany] });
    assert.match(
      step!.text,
      /^1 recipient was rejected with 429 TooManyRequests\. .+ Then send to it as a campaign of/,
    );
    assert.match(step!.command!, /TooManyRequests/);
  });

  it('has a step for the most frequent reasons only, and no command that a reason could break', () => {
    const reasons = [`"x`, "it's", 'NoSuchReason', 'Another'].map((reason, at) => ({
      reason,
      status: 500,
      count: 9 - at,
    }));
    const steps = stepsOf({ reasons });
    assert.deepEqual(
      steps.map(({ command }) => command === null),
      [true, true, false],
    );
    assert.match(stepsOf({ reasons: [{ reason: '', status: 502, count: 2 }] })[0]!.text, /rejected with HTTP 502\. /);
    assert.match(stepsOf({ reasons: [{ reason: '', status: null, count: 2 }] })[0]!.text, /with HTTP unknown\. /);
  });

  it('knows the reasons of the binary protocol', () => {
    const reasons = [{ reason: 'Invalid topic size', status: 6, count: 2 }];
    const [step] = stepsOf({ reasons }, { protocol: 'binary' });
    assert.match(
      step!.text,
      /^2 recipients were rejected with 6 Invalid topic size\. The topic within the certificate/,
    );
  });

  it('says without a folder who is named by no file, and where a list was left', () => {
    assert.deepEqual(
      stepsOf(
        {
          state: 'stopped',
          unsent: 5,
          unread: [
            { list: 'a.txt', line: 1001 },
            { list: 'b.txt', line: null },
          ],
        },
        { folder: null },
      ).map(({ text }) => text),
      [
        'No file names the recipients that are 5 unsent: a campaign with a folder keeps them, and can be resumed.',
        'a.txt was not read to its end: go on with its line 1,001.',
        'b.txt was not read to its end.',
      ],
    );
  });
});
