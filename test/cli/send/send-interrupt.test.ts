/** What Ctrl-C does to `peal send`: it ends in good order, keeps its books, and a second one ends it at once. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { scriptedToken } from '../../../src/simulator/books/token-script.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, linesOf, randomTokens } from '../fixture.js';

const outputNames = ['gone.csv', 'invalid.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt'];

describe('peal send, when it is interrupted', () => {
  let fixture: Fixture;
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  /** Resolves once the simulator has been asked for so many notifications. */
  async function untilRequests(count: number): Promise<void> {
    while (fixture.simulator.ledger.summary().requests < count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The files of outcomes that are there. */
  const outcomes = (): string[] =>
    readdirSync(fixture.path('out'))
      .filter((name) => /\.(csv|txt|partial|cut)$/.test(name))
      .sort();

  it('stops taking input, waits for answers and writes its files and its summary', async () => {
    fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
    const list = randomTokens(20_000);
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const args = fixture.send(tokens, { with: ['--json', '--max-connections', '1'] });
    const { code, stdout } = await runCommand(args, {
      whileRunning: async (child) => {
        await untilRequests(100);
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130);
    const summary = jsonLines(stdout).at(-1)!;
    assert.equal(summary.messageType, 'summary');
    const { accepted, unsent } = summary as { accepted: number; unsent: number };
    assert.deepEqual([summary.recipients, accepted + unsent, summary.unknown], [20_000, 20_000, 0]);
    assert.ok(accepted < 10_000, `${accepted} were sent, most of them after the interrupt`);
    assert.equal(accepted, fixture.simulator.ledger.summary().accepted);
    const notSent = new Set(await fixture.outputLines('unsent.txt'));
    assert.equal(notSent.size, unsent);
    for (const token of list) assert.equal(fixture.simulator.ledger.answerOf(token) === null, notSent.has(token));
  });

  it('takes the end of a pipe after an interruption for no end of the list, half a line for no line, and says where to go on', async () => {
    fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
    const list = randomTokens(3_000);
    // Lines are counted, not recipients: blank ones, duplicates and invalid ones are lines, too.
    const lines = ['', ...list.slice(0, 10), 'not a token', ...list].join('\n');
    const without = ['--out', '--force'];
    const args = fixture.send('-', { without, with: ['--json', '--max-connections', '1'] });
    const { code, stdout, stderr } = await runCommand(args, {
      whileRunning: async (child) => {
        child.stdin!.write(lines);
        await untilRequests(100);
        child.kill('SIGINT');
        // The terminal ends the producer as well: in the middle of a line.
        await once(child.stderr!, 'data');
        child.stdin!.end(`\n${randomTokens(1)[0]!.slice(0, 20)}`);
      },
    });
    assert.equal(code, 130);
    const summary = jsonLines(stdout).at(-1)!;
    assert.deepEqual([summary.recipients, summary.invalid, summary.unknown], [3_001, 1, 0]);
    assert.match(stderr, /The list was not read to its end: go on with line 3,013 of it \(tail -n \+3013\)\.$/m);
    assert.deepEqual(summary.unread, [{ list: 'standard input', line: 3_013 }]);
    const { line, list: where } = summary.invalidLines as { line: number; list: string };
    assert.deepEqual([line, where], [12, 'standard input']);
  });

  it('with --out goes on with the whole list, whatever part of it came through the pipe', async () => {
    fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
    const list = randomTokens(3_000);
    const args = fixture.send('-', { without: ['--force'], with: ['--json', '--max-connections', '1'] });
    const first = await runCommand(args, {
      whileRunning: async (child) => {
        child.stdin!.write(list.join('\n'));
        await untilRequests(100);
        child.kill('SIGINT');
        await once(child.stderr!, 'data');
        child.stdin!.end(`\n${randomTokens(1)[0]!.slice(0, 20)}`);
      },
    });
    assert.equal(first.code, 130);
    assert.match(first.stderr, /The list was not read to its end\. The same command with the same list goes on\.$/m);
    const rest = await runCommand(args, { stdin: list.join('\n') });
    assert.equal(rest.code, 0, rest.stderr);
    assert.equal(jsonLines(rest.stdout).at(-1)!.accepted, 3_000);
    const { requests, duplicates } = fixture.simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [3_000, 0]);
  });

  for (const ending of ['\n', '', `\n${'ab'.repeat(20)}`]) {
    it(`ends with 130 where a pipe ends with ${JSON.stringify(ending)} at the same time`, async () => {
      fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
      const list = randomTokens(300);
      const args = fixture.send('-', { without: ['--out', '--force'], with: ['--json'] });
      const { code, stdout, stderr } = await runCommand(args, {
        whileRunning: async (child) => {
          child.stdin!.write(list.join('\n') + ending);
          await untilRequests(100);
          // It stands still meanwhile: for its clock, both come at once, however long this process takes.
          child.kill('SIGSTOP');
          await new Promise<void>((resolve) => child.stdin!.end(resolve));
          child.kill('SIGINT');
          child.kill('SIGCONT');
        },
      });
      assert.equal(code, 130, stderr);
      assert.match(stderr, /The list was not read to its end: go on with line 30[01] of it/);
      const { stopped, invalid, unread } = jsonLines(stdout).at(-1)!;
      assert.deepEqual([stopped, invalid], ['ERR_PEAL_ABORTED', 0]);
      assert.equal((unread as object[]).length, 1);
    });
  }

  for (const [name, second] of [
    ['alone', []],
    ['before a list', ['tokens.txt']],
  ] as const) {
    it(`ends where it waits for a named pipe that nobody writes, ${name}`, async function () {
      if (process.platform === 'win32') this.skip();
      fixture = await Fixture.open();
      await fixture.write('tokens.txt', randomTokens(5).join('\n'));
      const pipe = fixture.path('pipe');
      spawnSync('mkfifo', [pipe]);
      const more = second.flatMap((file) => ['--tokens', fixture.path(file)]);
      const { code, stderr } = await runCommand(fixture.send(pipe, { with: ['--json', ...more] }), {
        whileRunning: async (child) => {
          // Nothing tells that it waits.
          await sleep(3_000);
          child.kill('SIGTERM');
        },
      });
      assert.equal(code, 143, stderr);
      assert.match(
        stderr,
        /was interrupted \(SIGTERM\): 0 recipients unsent, 0 unknown\.|interrupted before anything was done/,
      );
    });
  }

  it('names no journal that is not there, when it is asked a second time while it waits for its list', async function () {
    if (process.platform === 'win32') this.skip();
    fixture = await Fixture.open();
    const pipe = fixture.path('pipe');
    spawnSync('mkfifo', [pipe]);
    const { code, stderr } = await runCommand(fixture.send(pipe), {
      whileRunning: async (child) => {
        // It opens once the command reads.
        const writer = await open(pipe, 'w');
        child.kill('SIGINT');
        child.kill('SIGTERM');
        await once(child, 'exit');
        await writer.close();
      },
    });
    assert.ok(code === 143 || code === 130, stderr);
    assert.match(stderr, /nothing was sent/i);
    assert.doesNotMatch(stderr, /journal|peal resume/);
  });

  it('reads a named pipe whose writer is interrupted, too, as far as it goes', async function () {
    if (process.platform === 'win32') this.skip();
    fixture = await Fixture.open();
    const pipe = fixture.path('pipe');
    spawnSync('mkfifo', [pipe]);
    const list = randomTokens(200);
    const args = fixture.send(pipe, { without: ['--out', '--force'], with: ['--json'] });
    const { code, stdout } = await runCommand(args, {
      whileRunning: async (child) => {
        const writer = spawn('sh', ['-c', 'exec cat > "$0"', pipe], { stdio: ['pipe', 'ignore', 'inherit'] });
        writer.stdin.write(`${list.join('\n')}\n`);
        await untilRequests(200);
        child.kill('SIGINT');
        await once(child.stderr!, 'data');
        writer.stdin.end(list[0]!.slice(0, 30));
      },
    });
    const summary = jsonLines(stdout).at(-1)!;
    assert.equal(code, 130);
    assert.deepEqual([summary.accepted, summary.recipients, summary.invalid], [200, 200, 0]);
    assert.deepEqual(summary.unread, [{ list: pipe, line: 201 }]);
  });

  it('does not wait for a producer that goes on for ever', async () => {
    fixture = await Fixture.open();
    let stop = false;
    const produce = async (child: ChildProcess): Promise<void> => {
      while (!stop && child.exitCode === null) {
        const isTaken = child.stdin!.write(`${randomTokens(64).join('\n')}\n`);
        if (!isTaken) await Promise.race([once(child.stdin!, 'drain'), once(child, 'exit')]);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const { code, stdout } = await runCommand(fixture.send('-', { with: ['--json'] }), {
      whileRunning: async (child) => {
        void produce(child).catch(() => {});
        await untilRequests(500);
        child.kill('SIGINT');
        await once(child, 'exit');
        stop = true;
      },
    });
    assert.equal(code, 130);
    const summary = jsonLines(stdout).at(-1)!;
    assert.equal(summary.accepted, fixture.simulator.ledger.summary().accepted);
    assert.equal(linesOf(await fixture.output('unsent.txt')).length, summary.unsent);
  });

  it('gives up on answers that do not come: they are unknown', async () => {
    fixture = await Fixture.open();
    const list = [...randomTokens(2), scriptedToken('no answer, ever', 1), scriptedToken('no answer, ever', 2)];
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const { code, stdout } = await runCommand(fixture.send(tokens, { with: ['--json'] }), {
      whileRunning: async (child) => {
        await untilRequests(4);
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130);
    const summary = jsonLines(stdout).at(-1)!;
    assert.deepEqual([summary.accepted, summary.unknown, summary.unsent], [2, 2, 0]);
    assert.deepEqual(await fixture.outputLines('unknown.txt'), list.slice(2).sort());
  });

  it('leaves at once when it is asked a second time', async () => {
    fixture = await Fixture.open();
    const list = [...randomTokens(2), scriptedToken('no answer, ever', 1), scriptedToken('no answer, ever', 2)];
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const { code, stderr } = await runCommand(fixture.send(tokens), {
      whileRunning: async (child) => {
        await untilRequests(4);
        child.kill('SIGINT');
        await once(child.stderr!, 'data');
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130);
    assert.match(
      stderr,
      /^peal: ended at once after \d answers?, \d of them accepted\. The journal has what was known; .* peal resume /m,
    );
    // Those that were under way are unknown, and nobody is notified twice.
    const again = await runCommand(fixture.send(tokens, { without: ['--force'], with: ['--json'] }));
    assert.equal(again.code, 3, again.stderr);
    const { accepted, unknown, unsent } = jsonLines(again.stdout).at(-1)!;
    assert.deepEqual([Number(accepted) + Number(unknown), unsent], [4, 0]);
    assert.ok(Number(unknown) >= 2);
    assert.equal(fixture.simulator.ledger.summary().requests, 4);
    assert.deepEqual(outcomes(), outputNames);
    const other = await fixture.write('other.txt', randomTokens(3).join('\n'));
    assert.equal((await runCommand(fixture.send(other))).code, 0);
    assert.deepEqual(outcomes(), outputNames);
  });

  it('keeps each answer that it names, when it is asked a second time', async () => {
    fixture = await Fixture.open();
    const tokens = await fixture.write('tokens.txt', randomTokens(20_000).join('\n'));
    const { code, stderr } = await runCommand(fixture.send(tokens, { with: ['--rate', '4000/s'] }), {
      whileRunning: async (child) => {
        await untilRequests(1000);
        child.kill('SIGINT');
        await once(child.stderr!, 'data');
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130, stderr);
    const [, answers] = /ended at once after ([\d,]+) answers, .*The journal has what was known/.exec(stderr)!;
    const { stdout } = await runCommand(['status', fixture.path('out'), '--json']);
    const { accepted } = JSON.parse(stdout) as { accepted: number };
    assert.ok(accepted >= Number(answers!.replace(',', '')), `${accepted} of ${answers} answers are in the journal`);
  });

  it('says without --out that nothing records who was sent to, when it is asked a second time', async () => {
    fixture = await Fixture.open();
    const tokens = await fixture.write('tokens.txt', scriptedToken('no answer, ever', 1));
    const { code, stderr } = await runCommand(fixture.send(tokens, { without: ['--out', '--force'] }), {
      whileRunning: async (child) => {
        await untilRequests(1);
        child.kill('SIGINT');
        await once(child.stderr!, 'data');
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130);
    assert.match(stderr, /^peal: ended at once after 0 answers.* Nothing records which .*twice\.$/m);
  });

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`ends with ${exitCode} for ${signal}, with whole books, and says so in JSON and on standard error`, async () => {
      fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 1 });
      const list = randomTokens(2_000);
      const tokens = await fixture.write('tokens.txt', list.join('\n'));
      const { code, stdout, stderr } = await runCommand(fixture.send(tokens, { with: ['--json'] }), {
        whileRunning: async (child) => {
          await untilRequests(1);
          child.kill(signal);
        },
      });
      assert.equal(code, exitCode);
      const { accepted, unsent, unknown, ...summary } = jsonLines(stdout).at(-1)!;
      assert.equal(Number(accepted) + Number(unsent), list.length);
      assert.deepEqual([summary.exitCode, summary.stopped, unknown], [exitCode, 'ERR_PEAL_ABORTED', 0]);
      assert.deepEqual(summary.causes, { ERR_PEAL_ABORTED: unsent });
      const errors = jsonLines(stdout).filter(({ messageType }) => messageType === 'error');
      assert.deepEqual(
        errors.map(({ code, retryable, count }) => [code, retryable, count]),
        [['ERR_PEAL_ABORTED', true, unsent]],
      );
      assert.match(
        String(errors[0]!.message),
        new RegExp(`^The run was interrupted \\(${signal}\\): [\\d,]+ recipients unsent`),
      );
      assert.ok(stderr.endsWith(`peal: ${errors[0]!.message}\n`), stderr);
      assert.equal((await fixture.outputLines('unsent.txt')).length, unsent);
      assert.deepEqual(outcomes(), outputNames);
    });
  }

  it('keeps its directory to itself while it runs, and what it has not sent for whoever sends it', async () => {
    fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
    const list = randomTokens(20_000);
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const args = fixture.send(tokens, { without: ['--force'], with: ['--max-connections', '1'] });
    const another = await fixture.write('another.txt', randomTokens(3).join('\n'));
    const again = fixture.send(another, { without: ['--force'] });
    const first = await runCommand(args, {
      whileRunning: async (child) => {
        await untilRequests(100);
        const second = await runCommand(fixture.send(another));
        assert.equal(second.code, 2);
        assertOneSentence(second, new RegExp(` .* is in use by another run \\(process ${child.pid}, since `));
        child.kill('SIGINT');
      },
    });
    assert.equal(first.code, 130);
    const notSent = await fixture.outputLines('unsent.txt');
    const later = await runCommand(again);
    assert.deepEqual([later.code, later.stdout], [2, '']);
    assertOneSentence(later, /holds another campaign, .*--force/);
    assert.deepEqual(await fixture.outputLines('unsent.txt'), notSent);
    assert.equal((await runCommand(['resume', fixture.path('out')])).code, 0);
    const { requests, duplicates } = fixture.simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [list.length, 0]);
    assert.equal((await runCommand([...again, '--force'])).code, 0);
    assert.equal(await fixture.output('unsent.txt'), '');
  });

  it('by kill -9, again and again: the same command goes on, loses nobody and sends to nobody twice', async () => {
    fixture = await Fixture.open({ roundTripMs: 5 });
    const list = randomTokens(40_000);
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    const args = fixture.send(tokens, { without: ['--force'], with: ['--json', '--max-connections', '1'] });
    for (const requests of [2_000, 9_000, 16_000]) {
      const killed = await runCommand(args, {
        whileRunning: async (child) => {
          await untilRequests(requests);
          child.kill('SIGKILL');
        },
      });
      assert.equal(killed.signal, 'SIGKILL');
    }
    const { code, stdout, stderr } = await runCommand(args);
    assert.ok(code === 0 || code === 3, stderr);
    const { accepted, unknown, unsent, recipients, runs } = jsonLines(stdout).at(-1)!;
    assert.deepEqual([Number(accepted) + Number(unknown), unsent, recipients, runs], [40_000, 0, 40_000, 4]);
    assert.equal((await fixture.outputLines('unknown.txt')).length, unknown);
    const { requests, duplicates } = fixture.simulator.ledger.summary();
    assert.equal(duplicates, 0);
    assert.ok(requests >= Number(accepted) && requests <= 40_000);
  });

  it('by Ctrl-Z: stands still once nothing is under way, and goes on with the same books', async function () {
    if (process.platform !== 'linux') this.skip();
    fixture = await Fixture.open({ roundTripMs: 20 });
    const tokens = await fixture.write('tokens.txt', randomTokens(3_000).join('\n'));
    const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '')[0]!;
    const result = await runCommand(fixture.send(tokens, { with: ['--json', '--rate', '2000/s'] }), {
      whileRunning: async (child) => {
        await untilRequests(200);
        child.kill('SIGTSTP');
        while (stateOf(child.pid!) !== 'T') await sleep(20);
        const { requests, unanswered } = fixture.simulator.ledger.summary();
        await sleep(300);
        assert.deepEqual([fixture.simulator.ledger.summary().requests, unanswered], [requests, 0]);
        child.kill('SIGCONT');
      },
    });
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /The campaign was paused\.\n.*The campaign goes on\./s);
    const { requests, duplicates } = fixture.simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [3_000, 0]);
  });

  describe('and its books cannot be whole', () => {
    const errorsOf = (stdout: string): unknown[] =>
      jsonLines(stdout)
        .filter(({ messageType }) => messageType === 'error')
        .map(({ code }) => code);

    it('because the disk is full: says so, ends with 6, and leaves no file of an earlier run beside its own', async function () {
      if (process.platform === 'win32') this.skip();
      fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
      mkdirSync(fixture.path('out'));
      for (const name of outputNames) await fixture.write(`out/${name}`, 'earlier');
      const tokens = await fixture.write('tokens.txt', randomTokens(20_000).join('\n'));
      const args = fixture.send(tokens, { with: ['--json', '--max-connections', '1'] });
      const { code, stdout, stderr } = await runCommand(args, {
        maxFileBytes: 512 * 1024,
        whileRunning: async (child) => {
          await untilRequests(100);
          child.kill('SIGTERM');
        },
      });
      assert.equal(code, 6, stderr);
      assert.match(
        stderr,
        /^peal: .*unsent\.txt cannot be written: .*unsent\.txt\.\w{8}\.cut holds [\d,]+ of [\d,]+ lines; a run that resumes the campaign writes .*\.$/m,
      );
      assert.deepEqual(errorsOf(stdout), ['ERR_PEAL_ABORTED', 'ERR_PEAL_INPUT']);
      const { exitCode, stopped, recipients } = jsonLines(stdout).at(-1)!;
      assert.deepEqual([exitCode, stopped, recipients], [6, 'ERR_PEAL_ABORTED', 20_000]);
      for (const name of outputNames) {
        if (name === 'unsent.txt') assert.ok(!existsSync(fixture.path('out/unsent.txt')));
        else assert.notEqual(await fixture.output(name), 'earlier');
      }
    });

    it('because the list is damaged behind what was sent: says so and ends with 6', async () => {
      fixture = await Fixture.open({ roundTripMs: 40, maxStreams: 50 });
      // A little more than is read ahead of what is sent: what is left is read when it was told to end, in its few
      // seconds.
      const packed = gzipSync(randomTokens(75_000).join('\n'), { level: 1 });
      const tokens = await fixture.write('tokens.gz', packed.subarray(0, packed.length - 1000));
      const args = fixture.send(tokens, { with: ['--json', '--max-connections', '1'] });
      const { code, stdout, stderr } = await runCommand(args, {
        whileRunning: async (child) => {
          await untilRequests(100);
          child.kill('SIGTERM');
        },
      });
      assert.equal(code, 6, stderr);
      assert.match(stderr, /^peal: .*tokens\.gz is gzip that was cut off/m);
      assert.deepEqual(errorsOf(stdout), ['ERR_PEAL_ABORTED', 'ERR_PEAL_INPUT']);
      const { exitCode, accepted, unsent } = jsonLines(stdout).at(-1)!;
      assert.equal(exitCode, 6);
      assert.equal((await fixture.outputLines('unsent.txt')).length, unsent);
      assert.equal(accepted, fixture.simulator.ledger.summary().accepted);
      assert.ok(Number(accepted) + Number(unsent) > 70_000);
    });
  });
});
