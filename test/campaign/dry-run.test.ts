/** What a dry run tells, and that it changes nothing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PealError } from '../../src/base/errors.js';
import { type DryRunReport, dryRun } from '../../src/campaign/dry-run.js';
import { blockDigest } from '../../src/campaign/journal/block-digest.js';
import type { Journal } from '../../src/campaign/journal/journal.js';
import { openJournal } from '../../src/campaign/journal/journal-folder.js';
import { campaignIdentity } from '../../src/campaign/run/campaign-identity.js';
import { type CampaignOptions, checkCampaignOptions } from '../../src/campaign/run/campaign-options.js';
import { RecipientBlocks } from '../../src/campaign/run/recipient-blocks.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../src/engine/ledger.js';
import { Message } from '../../src/session/message/message.js';
import { Template } from '../../src/session/personal/template.js';
import { Session } from '../../src/session/session.js';
import { leastRatio } from '../support/cpu-time.js';
import { token } from './tables/read-table.js';

const tokens = Array.from({ length: 3000 }, (_, index) => token(index));

/** `count` recipients with a name and a locale. Each fifth has no name. */
function csv(count: number): string {
  const locales = ['de', 'fr', 'nl'];
  const rows = Array.from(
    { length: count },
    (_, index) => `${index},${tokens[index]},${index % 5 === 4 ? '' : `n${index}`},${locales[index % 3]}\n`,
  );
  return `user_id,token,name,locale\n${rows.join('')}`;
}

describe('campaign/dry-run', () => {
  let directory: string;
  let session: Session;
  let options: Pick<CampaignOptions, 'gateway' | 'message'>;

  const file = (name: string, contents: string): string => {
    const named = path.join(directory, name);
    writeFileSync(named, contents);
    return named;
  };

  const run = (recipients: CampaignOptions['recipients'], more: Partial<CampaignOptions> = {}): Promise<DryRunReport> =>
    dryRun({ ...options, recipients, ...more });

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'peal-dry-'));
    session = new Session();
    // Nothing may be opened: the name cannot be resolved.
    const gateway = session.getConnection('https://gateway.invalid', null);
    options = { gateway, message: new Message([], { alert: 'Hi', topic: 'org.example.app' }) };
  });

  afterEach(async () => {
    await session.shutdown();
    rmSync(directory, { recursive: true });
  });

  it('counts recipients, duplicates and rows that are none, of each list', async () => {
    const list = file('list.txt', `${tokens.slice(0, 10).join('\n')}\nnonsense\n${tokens[3]}\n${'a'.repeat(63)}\n`);
    const table = file('users.csv', `${csv(20)}x,${tokens[19]},twice,de\ny,,none,de\n`);
    const report = await run({ files: [list, table] });
    const { recipients, invalid, duplicate, alreadyDone, toSend, seconds, limitedBy, stoppedBy, outsideHours } = report;
    assert.deepEqual(
      { recipients, invalid, duplicate, alreadyDone, toSend, seconds, limitedBy, stoppedBy, outsideHours },
      {
        // Ten of the list, and the same ten and ten more of the table.
        recipients: 23,
        invalid: 3,
        duplicate: 12,
        alreadyDone: 0,
        toSend: 20,
        seconds: null,
        limitedBy: null,
        stoppedBy: null,
        outsideHours: 0,
      },
    );
    assert.deepEqual(report.sources, [
      { list, format: 'list', columns: [], tokenColumn: null, recipients: 12 },
      {
        list: table,
        format: 'csv',
        columns: ['user_id', 'token', 'name', 'locale'],
        tokenColumn: 'token',
        recipients: 11,
      },
    ]);
    assert.equal(
      report.invalidKinds.reduce((sum, { count }) => sum + count, 0),
      3,
    );
    assert.deepEqual([...new Set(report.invalidKinds.map((kind) => kind.list))], [list, table]);
    assert.deepEqual(report.invalidKinds.find((kind) => kind.list === table)?.line, 23);
  });

  it('sends as often as tokens come where duplicates are kept', async () => {
    const list = file('list.txt', `${tokens[0]}\n${tokens[0]}\n`);
    const { recipients, duplicate, toSend } = await run({ files: list }, { keepDuplicates: true });
    assert.deepEqual([recipients, duplicate, toSend], [2, 0, 2]);
  });

  it('says what a message without fields is, and how large', async () => {
    const list = file('list.txt', `${tokens.slice(0, 3).join('\n')}\n`);
    const { payload, example, variants } = await run({ files: list });
    assert.deepEqual(payload, { least: 22, median: 22, most: 22, limit: 4096 });
    assert.equal(example, '{"aps":{"alert":"Hi"}}');
    assert.deepEqual(variants, []);
  });

  it('makes the payload of each recipient, and counts variants', async () => {
    const personal = new Template({
      payload: { aps: { alert: 'Hello {{name|there}}' } },
      variants: {
        de: { aps: { alert: 'Hallo {{name}}' } },
        fr: { aps: { alert: 'Bonjour' } },
        it: { aps: { alert: 'Ciao' } },
      },
      variantColumn: 'locale',
    });
    const report = await run({ files: file('users.csv', csv(30)) }, { personal });
    // Those with the locale de and no name: rows 9 and 24.
    assert.equal(report.invalid, 2);
    assert.deepEqual(
      report.invalidKinds.map(({ why, count, line }) => [why, count, line]),
      [['has no name, and the template has no default for it', 2, 11]],
    );
    assert.equal(report.toSend, 28);
    assert.equal(report.example, '{"aps":{"alert":"Hallo n0"}}');
    assert.deepEqual(report.payload, {
      least: '{"aps":{"alert":"Bonjour"}}'.length,
      median: '{"aps":{"alert":"Hallo n0"}}'.length,
      most: '{"aps":{"alert":"Hello there"}}'.length,
      limit: 4096,
    });
    assert.deepEqual(report.variants, [
      { variant: 'de', recipients: 8 },
      { variant: 'fr', recipients: 10 },
      { variant: 'it', recipients: 0 },
      { variant: null, recipients: 10 },
    ]);
  });

  it('counts who gets the default of a field, once for each recipient and only where it is sent', async () => {
    const personal = new Template({
      payload: { aps: { alert: 'Hello {{name|there}}, {{name|friend}}, {{unknown|x}}' } },
      variants: { de: { aps: { alert: 'Hallo {{name}}' } }, fr: { aps: { alert: 'Bonjour' } } },
      variantColumn: 'locale',
      collapseId: '{{orders|none}}',
    });
    const rows = ['de,,1', 'de,A,', 'fr,,2', 'it,,', 'it,B,3', 'it,,4'].map((row, at) => `${tokens[at]},${row}\n`);
    const report = await run(
      { files: file('users.csv', `token,locale,name,orders,unknown\n${rows.join('').replaceAll('\n', ',y\n')}`) },
      { personal },
    );
    assert.equal(report.invalid, 1);
    assert.deepEqual(report.defaults, [
      { column: 'name', recipients: 2 },
      { column: 'unknown', recipients: 0 },
      { column: 'orders', recipients: 2 },
    ]);
    assert.deepEqual((await run({ files: file('list.txt', `${tokens[0]}\n`) })).defaults, []);
  });

  it('calls payloads that are too large invalid, as one kind whatever their sizes are', async () => {
    const personal = new Template({ payload: { aps: { alert: '{{name}}' } } });
    const sizes = [10, 4074, 4090, 5000];
    const rows = sizes.map((size, index) => `${tokens[index]},${'x'.repeat(size)}\n`);
    const { payload, invalidKinds, toSend } = await run(
      { files: file('a.csv', `token,name\n${rows.join('')}`) },
      { personal },
    );
    assert.equal(toSend, 2);
    assert.equal(payload?.most, 4094);
    assert.deepEqual(
      invalidKinds.map(({ why, count, line }) => [why, count, line]),
      [['has a payload of 4110 bytes, and 4096 are allowed', 2, 4]],
    );
  });

  it('takes the records of a program', async () => {
    const personal = new Template({ payload: { aps: { alert: '{{name}}' } } });
    const records = [
      { token: tokens[0], name: 'Ada' },
      { token: tokens[1] },
      { token: 'x' },
      { token: tokens[0], name: 'B' },
    ];
    const report = await run(() => records, { personal });
    assert.deepEqual([report.recipients, report.invalid, report.duplicate, report.toSend], [3, 2, 1, 1]);
    assert.deepEqual(report.sources, [
      { list: 'the program', format: 'records', columns: ['token', 'name'], tokenColumn: 'token', recipients: 3 },
    ]);
  });

  describe('the time', () => {
    const list = (): string => file('list.txt', `${tokens.slice(0, 1000).join('\n')}\n`);

    it('is that of the rate', async () => {
      const { seconds, stoppedBy } = await run({ files: list() }, { rate: '500/s' });
      assert.deepEqual([seconds, stoppedBy], [2, null]);
      assert.equal((await run({ files: list() }, { rate: 'off' })).seconds, null);
    });

    it('is compared with the bounds', async () => {
      const soon = new Date(Date.now() + 60_000);
      for (const [more, stoppedBy] of [
        [{ rate: '1/s', maxDurationMs: 1_000_000 }, null],
        [{ rate: '1/s', maxDurationMs: 900_000 }, 'maxDurationMs'],
        [{ rate: '1/s', notAfter: soon }, 'notAfter'],
        [{ rate: '100/s', notAfter: soon }, null],
        [{ rate: '100/s', notBefore: new Date(Date.now() + 55_000), notAfter: soon }, 'notAfter'],
        [{ rate: '1/s', notAfter: soon, maxDurationMs: 1000 }, 'maxDurationMs'],
        [{ notAfter: new Date(Date.now() - 1000) }, 'notAfter'],
      ] as const) {
        assert.equal((await run({ files: list() }, more)).stoppedBy, stoppedBy, JSON.stringify(more));
      }
    });
  });

  it('knows whose hours are closed now', async () => {
    const now = new Date();
    const [hour, next] = [now.getUTCHours(), (now.getUTCHours() + 2) % 24];
    const two = (value: number): string => String(value).padStart(2, '0');
    const hours = `${two(hour)}:00-${two(next)}:00`;
    const zones = ['UTC', 'Asia/Tokyo', '', 'Etc/GMT', 'Mars/Olympus', 'America/New_York'];
    const rows = zones.map((zone, index) => `${tokens[index]},${zone}\n`);
    const files = file('zones.csv', `token,tz\n${rows.join('')}`);
    const localWindow = { hours, timezoneColumn: 'tz' } as const;
    const report = await run({ files }, { localWindow });
    assert.deepEqual([report.recipients, report.invalid, report.outsideHours, report.toSend], [6, 2, 2, 2]);
    const folder = path.join(directory, 'out');
    const held = await run({ files }, { folder, localWindow: { ...localWindow, outside: 'hold' } });
    assert.deepEqual([held.outsideHours, held.toSend], [2, 4]);
    assert.throws(() => readdirSync(folder), /ENOENT/);
  });

  it('refuses what a run refuses', async () => {
    const personal = new Template({ payload: { aps: { alert: '{{nam}}' } } });
    const refused = (given: Promise<unknown>, code: string, message: RegExp): Promise<void> =>
      assert.rejects(given, (error: unknown) => {
        assert.ok(error instanceof PealError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });
    const files = file('users.csv', csv(3));
    await refused(
      run({ files }, { personal }),
      'ERR_PEAL_OPTION',
      /No list has the column "nam" that the message names/,
    );
    await refused(run({ files: path.join(directory, 'none') }), 'ERR_PEAL_INPUT', /none does not exist/);
    await refused(run({ files }, { rate: 'fast' }), 'ERR_PEAL_OPTION', /rate is "fast"/);
    await refused(run({ files }, { signal: AbortSignal.abort() }), 'ERR_PEAL_ABORTED', /aborted/);
  });

  describe('with the folder of a campaign', () => {
    let folder: string;
    let campaign: CampaignOptions;

    beforeEach(() => {
      folder = path.join(directory, 'out');
      mkdirSync(folder);
      campaign = { ...options, folder, recipients: { files: file('users.csv', csv(3000)) } };
    });

    const open = async (): Promise<Journal> =>
      openJournal(folder, await campaignIdentity(checkCampaignOptions(campaign)));

    /** Two blocks are noted; the first one is settled. */
    async function begin(journal: Journal): Promise<void> {
      const checked = checkCampaignOptions(campaign);
      const blocks = await RecipientBlocks.open(checked, { columns: [], onInvalid: () => {}, pressure: () => null });
      let number = 0;
      for await (const { rows } of blocks) {
        if (number === 2) break;
        await journal.note(number, blockDigest(rows), rows.count);
        if (number === 0) {
          const states = new Uint8Array(rows.count).fill(ACCEPTED);
          states.fill(REJECTED, 0, 100).fill(UNSENT, 100, 150).fill(UNKNOWN, 150, 170);
          journal.settle(number, states);
        }
        number += 1;
      }
      await blocks.dispose();
      await journal.flush();
    }

    /** Names, and what is in them but for the table of readers. */
    const seen = (): readonly string[] =>
      readdirSync(folder).map((name) => {
        const contents = name.endsWith('-lock') ? '' : readFileSync(path.join(folder, name));
        return `${name} ${createHash('sha256').update(contents).digest('hex')}`;
      });

    it('tells what is done and what is left, and changes nothing', async () => {
      const journal = await open();
      await begin(journal);
      const running = await dryRun(campaign);
      const counts = ({ alreadyDone, unknown, underWay, toSend }: DryRunReport): unknown => ({
        alreadyDone,
        unknown,
        underWay,
        toSend,
      });
      assert.deepEqual([running.isResumed, running.isRunning], [true, true]);
      assert.deepEqual(counts(running), { alreadyDone: 954, unknown: 20, underWay: 1024, toSend: 50 + 952 });
      await journal.close();
      const before = seen();
      const rested = await dryRun(campaign);
      assert.deepEqual([rested.isResumed, rested.isRunning, rested.recipients], [true, false, 3000]);
      assert.deepEqual(counts(rested), { alreadyDone: 954, unknown: 1044, underWay: 0, toSend: 50 + 952 });
      const again = await dryRun({ ...campaign, onUnknown: 'resend' });
      assert.deepEqual(counts(again), { alreadyDone: 954, unknown: 0, underWay: 0, toSend: 50 + 952 + 1044 });
      const anew = await dryRun({ ...campaign, startAnew: true });
      assert.deepEqual([anew.isResumed, anew.toSend], [false, 3000]);
      assert.deepEqual(seen(), before);
    });

    it('refuses another message and another list, as a run does', async () => {
      const journal = await open();
      await begin(journal);
      await journal.close();
      const before = seen();
      const other = new Message([], { alert: 'Hello', topic: 'org.example.app' });
      await assert.rejects(dryRun({ ...campaign, message: other }), {
        code: 'ERR_PEAL_OPTION',
        message: /holds another campaign, in which the payload was another one\./,
      });
      file('users.csv', csv(2000));
      await assert.rejects(dryRun(campaign), {
        code: 'ERR_PEAL_OPTION',
        message: /had [\d,]+ bytes and not [\d,]+ bytes/,
      });
      const changed = csv(3000).replace(',n1001,', ',n1O01,').replace(',n1500,', ',n15O0,');
      file('users.csv', changed);
      await assert.rejects(dryRun(campaign), (error: unknown) => {
        assert.ok(error instanceof PealError, String(error));
        return /has changed since the campaign .* began|had another/.test(error.message);
      });
      assert.deepEqual(seen(), before);
    });

    it('refuses recipients of a program that are others than those of an earlier run, as a run does', async () => {
      const given = (count: number) => () => tokens.slice(0, count);
      campaign = { ...campaign, recipients: given(2500) };
      const journal = await open();
      await begin(journal);
      journal.inputEnded(3);
      await journal.close();
      const checked = (recipients: CampaignOptions['recipients']) => dryRun({ ...campaign, recipients });
      assert.equal((await checked(given(2500))).recipients, 2500);
      for (const [recipients, message] of [
        [given(1024), /has changed .*: it ends before block 2 /],
        [() => tokens.slice(1, 2501), /has changed .*: it differs in block 1 /],
        [() => [...tokens, ...Array.from({ length: 500 }, (_, at) => token(9000 + at))], /it goes on after block 3 /],
      ] as const) {
        await assert.rejects(checked(recipients), { code: 'ERR_PEAL_INPUT', message });
      }
    });

    it('keeps tokens that memory has no room for elsewhere', async () => {
      const many = Array.from({ length: 60_000 }, (_, index) => `${index.toString(16).padStart(64, '0')}\n`).join('');
      const files = file('many.txt', many + many);
      // A folder for temporary ones that no other test uses at the same time.
      const scratch = path.join(directory, 'scratch');
      mkdirSync(scratch);
      utimesSync(scratch, 1, 1);
      const name = process.platform === 'win32' ? 'TEMP' : 'TMPDIR';
      const before = process.env[name];
      process.env[name] = scratch;
      try {
        const report = await dryRun({ ...campaign, recipients: { files }, dedupeMemoryBytes: 1 << 20 });
        assert.deepEqual([report.recipients, report.duplicate], [60_000, 60_000]);
      } finally {
        if (before === undefined) delete process.env[name];
        else process.env[name] = before;
      }
      assert.ok(statSync(scratch).mtimeMs > 1_000, 'something was kept there meanwhile');
      assert.deepEqual([readdirSync(folder), readdirSync(scratch)], [[], []]);
    });
  });

  it('costs twice as much for twice as many', async () => {
    const personal = new Template({ payload: { aps: { alert: 'Hello {{name|there}}' } } });
    const table = (count: number): string =>
      `token,name\n${Array.from({ length: count }, (_, index) => `${index.toString(16).padStart(64, '0')},n${index}\n`).join('')}`;
    const cost = async (count: number): Promise<number> => {
      const files = file(`${count}.csv`, table(count));
      const costs: number[] = [];
      for (let round = 0; round < 4; round++) {
        const before = process.cpuUsage();
        const { toSend } = await run({ files }, { personal });
        const { user, system } = process.cpuUsage(before);
        assert.equal(toSend, count);
        costs.push(user + system);
      }
      return Math.min(...costs);
    };
    await cost(50_000);
    const ratio = await leastRatio(7, async () => (await cost(200_000)) / (await cost(50_000)));
    assert.ok(ratio < 7, `4 times as many recipients cost ${ratio.toFixed(1)} times as much`);
  });
});
