/** Progress where there is no terminal to draw on: lines for a log, and JSON lines. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { systemClock } from '../../../src/base/clock.js';
import { type ProgressOptions, progressFor } from '../../../src/cli/send/progress.js';
import { ProgressBar } from '../../../src/cli/send/progress-bar.js';
import type { Terminal } from '../../../src/cli/shared/terminal.js';

const nothing = { accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 };

describe('progress', () => {
  let nowMs: number;
  let written: { stdout: string; stderr: string };
  const clock = { ...systemClock, now: () => nowMs };

  beforeEach(() => {
    nowMs = 0;
    written = { stdout: '', stderr: '' };
  });

  function terminal(more: { isTTY?: boolean; env?: Record<string, string> } = {}): Terminal {
    const stream = (name: 'stdout' | 'stderr') =>
      Object.assign(
        new Writable({
          write: (chunk, _encoding, done) => {
            written[name] += String(chunk);
            done();
          },
        }),
        { isTTY: more.isTTY === true, columns: 80 },
      );
    return { stdin: process.stdin, stdout: stream('stdout'), stderr: stream('stderr'), env: more.env ?? {} };
  }

  /** Ten minutes in which 1,000 recipients a second are accepted, but for one in a hundred. */
  async function tenMinutes(options: ProgressOptions, where = terminal()): Promise<string[]> {
    const progress = await progressFor(options, where, clock);
    for (; nowMs <= 600_000; nowMs += 100) {
      progress.update({ ...nothing, accepted: (nowMs / 100) * 99, rejected: nowMs / 100 }, 1_200_000);
    }
    progress.stop();
    return (written.stderr + written.stdout).split('\n').filter((line) => line !== '');
  }

  it('is a plain line every ten seconds where there is no terminal', async () => {
    const lines = await tenMinutes({});
    assert.equal(lines.length, 60);
    assert.equal(lines[29], 'peal: 25 %, 300,000 of 1,200,000, 1,000/s now, 1,000/s mean, 15:00 left, rejected 3,000');
    assert.equal(written.stdout, '');
  });

  it('is the same on a terminal that can do nothing, and where lines are asked for', async () => {
    const expected = await tenMinutes({});
    for (const [options, where] of [
      [{}, terminal({ isTTY: true, env: { TERM: 'dumb' } })],
      [{ progress: 10_000 }, terminal({ isTTY: true, env: { TERM: 'xterm' } })],
    ] as const) {
      nowMs = 0;
      written = { stdout: '', stderr: '' };
      assert.deepEqual(await tenMinutes(options, where), expected);
    }
  });

  for (const [options, count] of [
    [{ progress: 60_000 }, 10],
    [{ progress: 0 }, 0],
    [{ quiet: true }, 0],
    [{ json: true }, 600],
    [{ json: true, progress: 30_000 }, 20],
    [{ json: true, progress: 0 }, 0],
  ] as const) {
    it(`is ${count} lines in ten minutes with ${JSON.stringify(options)}`, async () => {
      assert.equal((await tenMinutes(options)).length, count);
    });
  }

  it('counts duplicates that were dropped as done, so that it adds up to the length of the list', async () => {
    for (const [options, half, all] of [
      [{}, /^peal: 62 %, 1,250 of 2,000, .*, duplicate 250\n$/, /^peal: 100 %, 2,000 of 2,000, .*, duplicate 900\n$/],
      [
        { json: true },
        /"done":1250,"total":2000,"accepted":1000,.*"duplicate":250,/,
        /"done":2000,"total":2000,"accepted":1100,.*"duplicate":900,/,
      ],
    ] as const) {
      for (const [accepted, duplicate, line] of [
        [1000, 250, half],
        [1100, 900, all],
      ] as const) {
        written = { stdout: '', stderr: '' };
        const progress = await progressFor(options, terminal(), clock);
        nowMs += 10_000;
        progress.update({ ...nothing, accepted, duplicate }, 2000);
        progress.stop();
        assert.match(written.stderr + written.stdout, line);
      }
    }
  });

  it('expects to send what is neither sent nor a duplicate', async () => {
    const progress = await progressFor({ progress: 10_000 }, terminal(), clock);
    for (; nowMs <= 10_000; nowMs += 100) progress.update({ ...nothing, accepted: nowMs, duplicate: 5_000 }, 25_000);
    assert.equal(
      written.stderr,
      'peal: 60 %, 15,000 of 25,000, 1,000/s now, 1,000/s mean, 0:10 left, duplicate 5,000\n',
    );
  });

  it('is a live display on a terminal', async () => {
    const progress = await progressFor({}, terminal({ isTTY: true, env: { TERM: 'xterm' } }), clock);
    assert.ok(progress instanceof ProgressBar);
    progress.stop();
  });

  it('tells the rate of now from the mean, and neither counts nor expects what is unsent', async () => {
    const progress = await progressFor({ progress: 10_000 }, terminal(), clock);
    for (; nowMs <= 10_000; nowMs += 100) progress.update({ ...nothing, accepted: Math.min(nowMs, 5_000) }, 20_000);
    progress.update({ ...nothing, accepted: 5_000, unsent: 15_000 }, 20_000);
    nowMs = 20_000;
    progress.update({ ...nothing, accepted: 5_000, unsent: 15_000 }, 20_000);
    assert.deepEqual(written.stderr.split('\n'), [
      'peal: 25 %, 5,000 of 20,000, 0/s now, 500/s mean',
      'peal: 25 %, 5,000 of 20,000, 0/s now, 250/s mean, unsent 15,000',
      '',
    ]);
  });
});
