/** A campaign against the simulator, whose ledger is compared with its books. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { firstDispatchWindow } from '../../src/base/limits.js';
import type { CanaryReport } from '../../src/campaign/run/campaign-options.js';
import type { CampaignReport } from '../../src/campaign/run/run-report.js';
import { viewCampaign } from '../../src/campaign/view/campaign-view.js';
import { Message } from '../../src/index.js';
import { Template } from '../../src/session/personal/template.js';
import { CampaignFixture, mixedTokens, plainToken } from './campaign-fixture.js';

const count = 5000;

describe('a campaign', () => {
  let fixture: CampaignFixture;

  async function open(...options: Parameters<typeof CampaignFixture.open>): Promise<void> {
    fixture = await CampaignFixture.open(...options);
  }

  afterEach(async () => {
    await fixture.close();
  });

  /** The sum of all outcomes is the number of recipients, and the simulator knows each that was answered once. */
  function checkBooks(report: CampaignReport, recipients: number): void {
    const { accepted, rejected, unsent, unknown, invalid } = report.summary;
    assert.equal(accepted + rejected + unsent + unknown + invalid, recipients);
    assert.equal(report.summary.recipients, recipients);
    const ledger = fixture.simulator.ledger.summary();
    assert.equal(ledger.duplicates, 0);
    assert.equal(ledger.accepted, accepted);
  }

  for (const threads of [0, 2]) {
    it(`sends to a list and agrees with the simulator, with ${threads} threads`, async () => {
      await open({}, threads);
      const tokens = mixedTokens(count);
      const list = await fixture.list([...tokens, 'no token', tokens[7]!]);
      const report = await fixture.campaign({ recipients: { files: list } }).run();
      checkBooks(report, count + 1);
      const { state, rejected, invalid, duplicate } = report.summary;
      assert.deepEqual([state, rejected, invalid, duplicate], ['finished', count / 50, 1, 1]);
      assert.deepEqual([report.stopped, report.problems], [null, []]);
    });
  }

  it('writes its files, and has nothing to do when it is run again', async () => {
    await open();
    const tokens = mixedTokens(count);
    const recipients = { files: await fixture.list([...tokens, 'no token']) };
    const report = await fixture.campaign({ recipients, folder: fixture.out, accepted: true }).run();
    checkBooks(report, count + 1);
    assert.equal((await fixture.lines('gone.csv')).length, count / 100);
    assert.equal((await fixture.lines('rejected.csv')).length, count / 100);
    assert.equal((await fixture.lines('accepted.csv')).length, count - count / 50);
    assert.equal((await fixture.lines('invalid.csv')).length, 1);
    assert.deepEqual(await fixture.lines('unsent.txt'), []);
    const summary = JSON.parse(await readFile(path.join(fixture.out, 'summary.json'), 'utf8'));
    assert.deepEqual([summary.accepted, summary.state], [report.summary.accepted, 'finished']);
    for (const name of ['summary.json', 'report.html', 'gone.csv', 'journal.lmdb', 'unsent.txt', '.peal-series.json']) {
      assert.equal((await stat(path.join(fixture.out, name))).mode & 0o777, 0o600, name);
    }
    const again = await fixture.campaign({ recipients, folder: fixture.out, accepted: true }).run();
    assert.equal(again.wasFinished, true);
    assert.equal(again.summary.accepted, report.summary.accepted);
    assert.equal(fixture.simulator.ledger.summary().requests, count);
  });

  it('stops at a bound, leaves what is unsent, and goes on with the next run', async () => {
    await open();
    const tokens = mixedTokens(20_000);
    const recipients = { files: await fixture.list(tokens) };
    const options = { recipients, folder: fixture.out, rate: '20000/s' };
    const first = await fixture.campaign({ ...options, maxFailures: 50 }).run();
    assert.equal(first.stopped?.code, 'ERR_PEAL_BOUND');
    assert.match(first.stopped.message, /more than the 50 allowed .* goes on where it stopped when it is run again\.$/);
    assert.equal(first.summary.state, 'stopped');
    checkBooks(first, 20_000);
    assert.ok(first.summary.unsent > 0);
    assert.equal((await fixture.lines('unsent.txt')).length, first.summary.unsent);
    const second = await fixture.campaign(options).run();
    checkBooks(second, 20_000);
    assert.deepEqual([second.summary.state, second.summary.unsent], ['finished', 0]);
    assert.equal(second.summary.runs.length, 2);
    const rejected = [...(await fixture.lines('gone.csv')), ...(await fixture.lines('rejected.csv'))];
    assert.equal(new Set(rejected.map((line) => line.split(',')[0])).size, 400);
    assert.equal(rejected.length, 400);
    assert.deepEqual(
      second.summary.reasons.map((each) => each.count),
      [200, 200],
    );
  });

  it('stops for its signal, and counts what is left as unsent', async () => {
    await open();
    const tokens = mixedTokens(20_000);
    const recipients = { files: await fixture.list(tokens) };
    const abort = new AbortController();
    const campaign = fixture.campaign({ recipients, folder: fixture.out, rate: '20000/s', signal: abort.signal });
    const running = campaign.run();
    for await (const { accepted } of campaign) if (accepted > 2000) abort.abort();
    const report = await running;
    assert.equal(report.stopped?.code, 'ERR_PEAL_ABORTED');
    checkBooks(report, 20_000);
    assert.equal((await fixture.lines('unsent.txt')).length, report.summary.unsent);
    checkBooks(await fixture.campaign({ recipients, folder: fixture.out }).run(), 20_000);
  });

  it('says to each what is meant for him, and keeps his columns beside the outcome', async () => {
    await open({ ledger: 'full' });
    const tokens = mixedTokens(3000);
    const csv = path.join(fixture.folder, 'users.csv');
    const rows = tokens.map((token, index) => `${index},${token},"Name, ${index}",${index === 5 ? '' : index}`);
    await writeFile(csv, ['user_id,device,name,badge', ...rows].join('\n'));
    const personal = new Template({ payload: { aps: { alert: 'Hello {{name}}', badge: '{{badge:number}}' } } });
    const message = new Message([], { topic: 'com.example.app', pushType: 'alert' });
    const report = await fixture.campaign({ recipients: { files: csv }, personal, message, folder: fixture.out }).run();
    checkBooks(report, 3000);
    assert.equal(report.summary.invalid, 1);
    const gone = await fixture.lines('gone.csv');
    assert.equal(gone.length, 30);
    assert.ok(
      gone.some((line) => line.includes('"Name, 100"')),
      gone[0],
    );
    assert.match((await fixture.lines('invalid.csv'))[0]!, /^7,.*has no badge/);
  });

  it('does not take other recipients of a program for those of a campaign that it has finished', async () => {
    await open();
    const [some, others] = [mixedTokens(200), mixedTokens(200)];
    await fixture.campaign({ recipients: some, folder: fixture.out }).run();
    const same = await fixture.campaign({ recipients: some, folder: fixture.out }).run();
    assert.deepEqual([same.summary.state, same.summary.accepted, same.stopped], ['finished', 196, null]);
    const other = await fixture.campaign({ recipients: others, folder: fixture.out }).run();
    assert.match(other.stopped?.message ?? '', /has changed since the campaign of .* began: it differs in block 1/);
    const longer = await fixture.campaign({ recipients: [...some, plainToken()], folder: fixture.out }).run();
    assert.match(longer.stopped?.message ?? '', /has changed/);
    assert.equal(fixture.simulator.ledger.summary().requests, 200);
  });

  it('refuses a column that no list has', async () => {
    await open();
    const recipients = { files: await fixture.list([plainToken()]) };
    const personal = new Template({ payload: { aps: { alert: 'Hello {{name}}' } } });
    await assert.rejects(fixture.campaign({ recipients, personal }).run(), {
      code: 'ERR_PEAL_OPTION',
      message: /^No list has the column "name" that the message names: the lists are plain lists/,
    });
  });

  it('refuses another message and another list in the same folder', async () => {
    await open();
    const recipients = { files: await fixture.list(mixedTokens(100)) };
    const options = { recipients, folder: fixture.out };
    await fixture.campaign(options).run();
    const message = new Message([], { alert: 'Bye', topic: 'com.example.app' });
    await assert.rejects(fixture.campaign({ ...options, message }).run(), {
      code: 'ERR_PEAL_OPTION',
      message: /holds another campaign, in which the payload was another one/,
    });
    const other = { files: await fixture.list(mixedTokens(101), 'other.txt') };
    await assert.rejects(fixture.campaign({ ...options, recipients: other }).run(), /had \d.* bytes and not/);
    const anew = await fixture.campaign({ ...options, message, startAnew: true }).run();
    assert.equal(anew.summary.runs.length, 1);
  });

  it('goes on in the directory of its lists: a pattern leaves its own files out', async () => {
    await open();
    await mkdir(fixture.out);
    const lists = [mixedTokens(300), mixedTokens(300, 1)];
    for (const [index, tokens] of lists.entries()) {
      await writeFile(path.join(fixture.out, `${index}.txt`), tokens.join('\n'));
    }
    const options = { recipients: { files: path.join(fixture.out, '*') }, folder: fixture.out, accepted: true };
    const first = await fixture.campaign({ ...options, rate: '500/s', maxFailures: 5 }).run();
    assert.equal(first.stopped?.code, 'ERR_PEAL_BOUND');
    assert.ok(first.summary.unsent > 0);
    const { summary } = await fixture.campaign(options).run();
    assert.equal(summary.state, 'finished');
    assert.equal(summary.recipients, 600);
    assert.equal(fixture.simulator.ledger.summary().duplicates, 0);
  });

  it('neither overwrites its own list nor what a campaign without a journal has left', async () => {
    await open();
    const recipients = { files: await fixture.list(mixedTokens(100)) };
    await fixture.campaign({ recipients, folder: fixture.out }).run();
    const own = path.join(fixture.out, 'unsent.txt');
    await writeFile(own, `${plainToken()}\n`);
    await assert.rejects(fixture.campaign({ recipients: { files: own }, folder: fixture.out, startAnew: true }).run(), {
      code: 'ERR_PEAL_OPTION',
      message: /unsent\.txt is read by this command and would be overwritten/,
    });
    for (const name of ['journal.lmdb', 'journal.lmdb-lock']) await rm(path.join(fixture.out, name));
    await assert.rejects(fixture.campaign({ recipients, folder: fixture.out }).run(), {
      code: 'ERR_PEAL_OPTION',
      message:
        /run holds files of a campaign whose journal is not there \(gone\.csv, invalid\.csv, rejected\.csv, .*\): nothing says/,
    });
    const anew = await fixture.campaign({ recipients, folder: fixture.out, startAnew: true }).run();
    assert.equal(anew.summary.accepted, 98);
    assert.deepEqual(await fixture.lines('unsent.txt'), []);
  });

  it('sends nothing to lists without a token', async () => {
    await open();
    const recipients = { files: await fixture.list(['nothing', 'at all']) };
    const report = await fixture.campaign({ recipients }).run();
    assert.equal(report.stopped?.code, 'ERR_PEAL_INPUT');
    assert.match(report.stopped.message, /holds no device token, and nothing was sent/);
    assert.equal(report.summary.invalid, 2);
  });

  it('sends nothing to a table without a valid row, and says that of it', async () => {
    await open();
    const rows = ['token,name', `${plainToken()},Ada,`, `${plainToken()},Bob,`];
    const report = await fixture.campaign({ recipients: { files: await fixture.list(rows, 'users.csv') } }).run();
    assert.match(report.stopped!.message, /users\.csv holds no valid row, and nothing was sent/);
    assert.equal(report.summary.invalid, 2);
  });

  it('writes the report that the process that finished it could not', async () => {
    await open();
    const recipients = { files: await fixture.list(mixedTokens(200)) };
    await fixture.campaign({ recipients, folder: fixture.out }).run();
    await rm(path.join(fixture.out, 'summary.json'));
    await rm(path.join(fixture.out, 'report.html'));
    await writeFile(path.join(fixture.out, 'summary.json.0a1b2c3d.partial'), '{');
    const { summary } = await viewCampaign(fixture.out);
    assert.ok(!summary.files.some(({ name }) => name === 'summary.json' || name === 'report.html'));
    const again = await fixture.campaign({ recipients, folder: fixture.out }).run();
    assert.deepEqual([again.wasFinished, again.problems], [true, []]);
    const names = await readdir(fixture.out);
    assert.ok(names.includes('summary.json') && names.includes('report.html'), `${names}`);
    assert.ok(!names.some((name) => name.endsWith('.partial')), `${names}`);
  });

  it('begins anew where nothing was sent, when the list or the message is mended', async () => {
    await open();
    const list = await fixture.list(['nothing', 'at all']);
    const message = new Message([], { alert: 'Helo', topic: 'com.example.app' });
    const first = await fixture.campaign({ recipients: { files: list }, folder: fixture.out, message }).run();
    assert.equal(first.summary.invalid, 2);
    await fixture.list([...mixedTokens(count), 'no token']);
    const report = await fixture.campaign({ recipients: { files: list }, folder: fixture.out }).run();
    checkBooks(report, count + 1);
    assert.equal(report.summary.state, 'finished');
    assert.equal((await fixture.lines('invalid.csv')).length, 1);
    const { summary } = await viewCampaign(fixture.out);
    assert.equal(summary.recipients, count + 1);
  });

  it('promises nobody to go on where nothing is kept', async () => {
    await open();
    const recipients = { files: await fixture.list(mixedTokens(4000)) };
    const { stopped } = await fixture.campaign({ recipients, rate: '4000/s', maxFailures: 5 }).run();
    assert.match(stopped!.message, /more than the 5 allowed \(maxFailures\)\.$/);
  });

  it('sends to a canary first, and stops where too few of it are accepted', async () => {
    await open();
    const tokens = mixedTokens(4000);
    const recipients = { files: await fixture.list(tokens) };
    const options = { recipients, folder: fixture.out };
    const first = await fixture.campaign({ ...options, canary: { recipients: 100, minAccepted: 0.99 } }).run();
    assert.equal(first.stopped?.code, 'ERR_PEAL_BOUND');
    assert.match(first.stopped.message, /Only 98 of the first 100 recipients were accepted, less than 99 %/);
    assert.equal(fixture.simulator.ledger.summary().requests, 100);
    checkBooks(first, 4000);
    const asked: CanaryReport[] = [];
    const canary = { recipients: 100, confirm: (report: CanaryReport) => asked.push(report) > 1 };
    const second = await fixture.campaign({ ...options, canary }).run();
    assert.equal(second.stopped?.code, 'ERR_PEAL_BOUND');
    assert.equal(fixture.simulator.ledger.summary().requests, 200);
    const third = await fixture.campaign({ ...options, canary }).run();
    // Each tells of its own recipients only.
    for (const { rejected, reasons } of asked) {
      assert.equal(
        reasons.reduce((sum, [, count]) => sum + count, 0),
        rejected,
      );
    }
    assert.equal(third.summary.state, 'finished');
    checkBooks(third, 4000);
  });

  it('keeps to its rate, and to another one from when it is set', async () => {
    await open();
    const recipients = { files: await fixture.list(Array.from({ length: 3000 }, plainToken)) };
    const campaign = fixture.campaign({ recipients, rate: '20/s', folder: fixture.out });
    const started = performance.now();
    const running = campaign.run();
    for await (const { accepted } of campaign) if (accepted >= 20 && campaign.rate === '20/s') campaign.rate = '2500/s';
    const seconds = (performance.now() - started) / 1000;
    checkBooks(await running, 3000);
    // A second at each of the two. The first one alone would take 150, which no machine is busy for.
    assert.ok(seconds > 1.5 && seconds < 120, `${seconds} s`);
  });

  it('hands out nothing while it is paused', async () => {
    await open();
    const recipients = { files: await fixture.list(Array.from({ length: 3000 }, plainToken)) };
    // As slow as this, so that most are left when it is paused, however busy the machine is.
    const campaign = fixture.campaign({ recipients, rate: '300/s', folder: fixture.out });
    const running = campaign.run();
    for await (const { accepted } of campaign) {
      if (accepted < 100) continue;
      campaign.pause();
      break;
    }
    await campaign.idle();
    const before = fixture.simulator.ledger.summary().requests;
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(fixture.simulator.ledger.summary().requests, before);
    assert.equal(campaign.progress.state, 'paused');
    campaign.rate = '30000/s';
    campaign.resume();
    checkBooks(await running, 3000);
  });

  /** Resolves with what stands in the folder, once `isSo`. */
  async function seen(isSo: (summary: CampaignReport['summary']) => boolean): Promise<CampaignReport['summary']> {
    for (;;) {
      const view = await viewCampaign(fixture.out).catch(() => null);
      if (view !== null && isSo(view.summary)) return view.summary;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  describe('tells others how it stands while nothing is sent', () => {
    it('before the first recipient of a slow rate, and in a pause', async () => {
      await open();
      const recipients = { files: await fixture.list(Array.from({ length: 100 }, plainToken)) };
      const stop = new AbortController();
      const campaign = fixture.campaign({ recipients, rate: '1/min', folder: fixture.out, signal: stop.signal });
      const running = campaign.run();
      assert.deepEqual((await seen(() => true)).state, 'running');
      campaign.pause();
      await seen(({ state }) => state === 'paused');
      campaign.rate = '2/min';
      while ((await viewCampaign(fixture.out)).facts.rate !== '2/min') {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      campaign.resume();
      await seen(({ state }) => state === 'running');
      stop.abort();
      checkBooks(await running, 100);
    });

    it('while it waits for its time, which is no sending time', async () => {
      await open();
      const recipients = { files: await fixture.list(Array.from({ length: 100 }, plainToken)) };
      const notBefore = new Date(Date.now() + 3_600_000);
      const running = fixture.campaign({ recipients, notBefore, folder: fixture.out }).run();
      const { state, why } = await seen((summary) => summary.why !== null);
      assert.deepEqual([state, why], ['running', `The campaign waits until ${notBefore.toISOString()} (notBefore).`]);
      const waitedFromMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const waitedMs = performance.now() - waitedFromMs;
      fixture.wallOffsetMs = 3_600_000;
      const { summary } = await running;
      const [{ startMs, endMs, seconds } = { startMs: 0, endMs: 0, seconds: 0 }] = summary.runs;
      const tookMs = endMs! - startMs - fixture.wallOffsetMs;
      assert.ok(tookMs - seconds * 1000 > waitedMs - 100, `${seconds} of ${tookMs} ms`);
      assert.equal(summary.why, null);
      assert.equal(summary.seconds, seconds);
    });

    it('while it asks about its canary, which is no sending time', async () => {
      await open();
      const recipients = { files: await fixture.list(Array.from({ length: 100 }, plainToken)) };
      let answer = (_goesOn: boolean): void => {};
      const confirm = (): Promise<boolean> =>
        new Promise((resolve) => {
          answer = resolve;
        });
      const canary = { recipients: 10, confirm };
      const running = fixture.campaign({ recipients, canary, folder: fixture.out }).run();
      const { state, why, accepted } = await seen((summary) => summary.why !== null);
      assert.deepEqual([state, accepted], ['running', 10]);
      assert.match(why!, /^The campaign asks whether to go on after the first 10 recipients \(canary\.recipients\)\.$/);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      answer(true);
      const { summary } = await running;
      const [run] = summary.runs;
      assert.ok(run!.endMs! - run!.startMs - summary.seconds * 1000 > 1400);
      assert.equal(summary.accepted, 100);
    });
  });

  it('leaves recipients outside of their hours for a later run, or waits for them', async () => {
    await open();
    const tokens = Array.from({ length: 2000 }, plainToken);
    const csv = path.join(fixture.folder, 'zones.csv');
    const zones = ['Europe/Berlin', 'Asia/Tokyo', 'nowhere', ''];
    const rows = tokens.map((token, index) => `${token},${zones[index % 100 < 98 ? index % 2 : index % 4]}`);
    await writeFile(csv, ['token,tz', ...rows].join('\n'));
    const recipients = { files: csv };
    // Noon in Berlin, 20:00 or 19:00 in Tokyo.
    const noon = new Date('2027-01-15T11:00:00Z').valueOf();
    fixture.wallOffsetMs = noon - Date.now();
    const localWindow = { hours: '09:00-18:00', timezoneColumn: 'tz' };
    const first = await fixture.campaign({ recipients, localWindow, folder: fixture.out }).run();
    assert.equal(first.summary.unsent, 980);
    assert.equal(first.summary.invalid, 40);
    assert.equal(first.causes[0]?.error.code, 'ERR_PEAL_HOURS');
    checkBooks(first, 2000);
    assert.equal((await fixture.lines('unsent.csv')).length, 980);
    const campaign = fixture.campaign({
      recipients,
      localWindow: { ...localWindow, outside: 'hold' },
      folder: fixture.out,
    });
    const running = campaign.run();
    for await (const { held } of campaign) if (held === 980) fixture.wallOffsetMs += 14 * 3_600_000;
    const second = await running;
    assert.deepEqual([second.summary.unsent, second.summary.invalid, second.summary.state], [0, 40, 'finished']);
    checkBooks(second, 2000);
  });

  it('counts those who are held as unsent when it is stopped', async () => {
    await open();
    const csv = path.join(fixture.folder, 'zones.csv');
    const rows = Array.from(
      { length: 500 },
      (_, index) => `${plainToken()},${index % 2 === 0 ? 'Europe/Berlin' : 'Asia/Tokyo'}`,
    );
    await writeFile(csv, ['token,tz', ...rows].join('\n'));
    fixture.wallOffsetMs = new Date('2027-01-15T11:00:00Z').valueOf() - Date.now();
    const abort = new AbortController();
    const localWindow = { hours: '09:00-18:00', timezoneColumn: 'tz', outside: 'hold' } as const;
    const options = { recipients: { files: csv }, localWindow, folder: fixture.out, signal: abort.signal };
    const campaign = fixture.campaign(options);
    const running = campaign.run();
    for await (const { held, accepted } of campaign) if (held === 250 && accepted === 250) abort.abort();
    const report = await running;
    checkBooks(report, 500);
    assert.equal(report.summary.unsent, 250);
    assert.equal((await fixture.lines('unsent.csv')).length, 250);
  });

  it('does not take the place of one whose recipients are unsent', async () => {
    await open();
    const tokens = mixedTokens(300);
    const stopping = new AbortController();
    const notBefore = new Date(Date.now() + 3_600_000);
    const options = { recipients: () => tokens, folder: fixture.out };
    const waiting = fixture.campaign({ ...options, notBefore, signal: stopping.signal });
    const running = waiting.run();
    while (waiting.progress.read < 300) await new Promise((resolve) => setTimeout(resolve, 10));
    stopping.abort();
    assert.equal((await running).summary.unsent, 300);
    const message = new Message([], { alert: 'Another', topic: 'com.example.app' });
    await assert.rejects(fixture.campaign({ ...options, message }).run(), /the payload was another one/);
    const report = await fixture.campaign(options).run();
    checkBooks(report, 300);
    assert.equal(report.summary.state, 'finished');
  });

  it('notes few recipients until a connection stands', async () => {
    await open();
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on('error', () => {})));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const file = await fixture.list(mixedTokens(20_000));
    const gateway = fixture.session.getConnection(`https://127.0.0.1:${port}`, null);
    const stopping = new AbortController();
    const recipients = { files: [file] };
    const running = fixture.campaign({ recipients, folder: fixture.out, gateway, signal: stopping.signal }).run();
    const soon = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    /** What a kill would leave unknown now. */
    const look = async (): Promise<number> =>
      viewCampaign(fixture.out).then(
        (view) => view.underWay,
        () => 0,
      );
    while ((await look()) === 0) await soon(20);
    await soon(500);
    const underWay = await look();
    stopping.abort();
    for (const socket of sockets) socket.destroy();
    silent.close();
    const { summary } = await running;
    assert.ok(underWay > 0 && underWay <= firstDispatchWindow, `${underWay}`);
    assert.equal(summary.unsent, 20_000);
    assert.equal(fixture.simulator.ledger.summary().accepted, 0);
  });

  it('takes the objects of a program, one at a time, and resumes with them', async () => {
    await open();
    const rows = mixedTokens(6000).map((token, index) => ({ token, user_id: index, name: `Name ${index}` }));
    let pulled = 0;
    const recipients = async function* (): AsyncGenerator<(typeof rows)[number]> {
      for (const row of rows) {
        pulled += 1;
        yield row;
      }
    };
    const personal = new Template({ payload: { aps: { alert: 'Hello {{name}}' } } });
    const options = { recipients, personal, folder: fixture.out, rate: '3000/s' };
    const campaign = fixture.campaign({ ...options, maxFailures: 20 });
    const first = await campaign.run();
    assert.equal(first.stopped?.code, 'ERR_PEAL_BOUND');
    // What was read of the program's stream, and not sent to, is unsent.
    assert.equal(first.summary.recipients, campaign.progress.read);
    checkBooks(first, campaign.progress.read);
    assert.ok(pulled < 6000, `${pulled} pulled`);
    const second = await fixture.campaign(options).run();
    checkBooks(second, 6000);
    assert.match((await fixture.lines('gone.csv'))[1]!, /,100,Name 100,$/);
  });

  it('waits until it may begin, and stops when it has to', async () => {
    await open();
    const recipients = { files: await fixture.list(Array.from({ length: 1000 }, plainToken)) };
    const hourMs = 3_600_000;
    const started = Date.now();
    const [notBefore, notAfter] = [new Date(started + hourMs), new Date(started + 2 * hourMs)];
    const campaign = fixture.campaign({ recipients, notBefore, notAfter, rate: '50/s', folder: fixture.out });
    const running = campaign.run();
    await seen(({ why }) => why !== null);
    assert.deepEqual([campaign.progress.accepted, fixture.simulator.ledger.summary().requests], [0, 0]);
    fixture.wallOffsetMs = hourMs;
    for await (const { accepted } of campaign) if (accepted > 0) fixture.wallOffsetMs = 2 * hourMs;
    const report = await running;
    assert.equal(report.stopped?.code, 'ERR_PEAL_BOUND');
    assert.match(report.stopped.message, /It is after 20.* \(notAfter\)/);
    const { accepted } = report.summary;
    assert.ok(accepted > 0 && accepted < 1000, `${accepted}`);
    checkBooks(report, 1000);
  });
});
