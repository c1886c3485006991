/**
 * docs/campaigns.md, run as a reader runs it: all of its commands, in their order, against the simulator that it
 * starts. The export comes from a PostgreSQL server where one is installed, and otherwise from this test.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { token } from './campaign/tables/read-table.js';
import { PostgresServer } from './support/postgres-server.js';
import { quietPort } from './support/quiet-port.js';
import { snippetsOf } from './support/snippets.js';

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const page = snippetsOf('docs/campaigns.md');
/** All that can be run: what names Apple's gateway cannot. */
const blocks = page.filter(({ language, text }) => language === 'sh' && !text.includes('AuthKey_'));

const people = 6000;
const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Pacific/Auckland', 'UTC'];

interface Person {
  readonly id: number;
  readonly locale: string;
  readonly name: string;
  readonly orders: number | null;
  readonly zone: string;
}

function person(index: number): Person {
  return {
    id: 1000 + index,
    locale: ['en', 'de', 'fr'][index % 3]!,
    name: index % 10 === 7 ? '' : `Name ${index}`,
    orders: index % 1000 === 999 ? null : index % 12,
    zone: zones[index % zones.length]!,
  };
}

const everybody = Array.from({ length: people }, (_, index) => person(index));
const registered = '2020-01-01T00:00:00Z';
/** The devices of every hundredth person were registered again a moment ago. */
const isNew = ({ id }: Person): boolean => id % 100 === 0;

/** What is asked of the database that the page exports from. */
function tables(): string {
  const users = everybody.map(
    ({ id, locale, name, orders, zone }) =>
      `(${id}, '${locale}', nullif('${name}', ''), ${orders ?? 'null'}, '${zone}')`,
  );
  const devices = everybody.map(
    (one) => `(${one.id}, '${token(one.id)}', ${isNew(one) ? 'now()' : `'${registered}'`})`,
  );
  return `
    create table users (user_id bigint primary key, locale text, name text, orders int, timezone text);
    create table devices (user_id bigint, token text primary key, registered_at timestamptz);
    insert into users values ${users.join(', ')};
    insert into devices values ${devices.join(', ')};`;
}

function exported(): string {
  const rows = everybody.map(({ id, locale, name, orders, zone }) =>
    [id, token(id), locale, name, orders ?? '', zone].join(),
  );
  return `user_id,token,locale,name,orders,timezone\n${rows.join('\n')}\n`;
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('docs/campaigns.md', () => {
  let home: string;
  let postgres: PostgresServer | null;
  const children: ChildProcess[] = [];
  let variables: NodeJS.ProcessEnv = {};
  let port: number;

  before(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'peal-campaigns-'));
    mkdirSync(path.join(home, 'bin'));
    const script = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
    writeFileSync(path.join(home, 'bin', 'peal'), script, { mode: 0o755 });
    port = await quietPort();
    postgres = PostgresServer.isInstalled ? await PostgresServer.start() : null;
    postgres?.run(tables());
  });

  after(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await postgres?.[Symbol.asyncDispose]();
    rmSync(home, { recursive: true, force: true });
  });

  function start(command: string): ChildProcess {
    const PATH = `${path.join(home, 'bin')}${path.delimiter}${process.env.PATH}`;
    const env = { ...process.env, ...postgres?.env, ...variables, PATH, NO_COLOR: '1', LC_ALL: 'C.UTF-8' };
    const child = spawn('bash', ['-ec', command], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    return child;
  }

  async function ended(child: ChildProcess): Promise<Ran> {
    let [stdout, stderr] = ['', ''];
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  /** Runs it to its end. Rejections are no fault of a campaign. */
  async function run(command: string): Promise<Ran> {
    const ran = await ended(start(command));
    assert.ok(ran.code === 0 || ran.code === 3, `${command}\nended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
    return ran;
  }

  async function simulate(command: string): Promise<void> {
    const child = start(`exec ${command}`);
    for await (const line of createInterface({ input: child.stdout! })) if (/https:\/\//.test(line)) return;
    assert.fail(`${command} did not begin to listen`);
  }

  interface Status {
    readonly state: string;
    readonly recipients: number;
    readonly accepted: number;
    readonly rejected: number;
    readonly unsent: number;
    readonly unknown: number;
    readonly invalid: number;
  }

  async function statusOf(folder: string): Promise<Status> {
    return JSON.parse((await run(`peal status ${folder} --json`)).stdout) as Status;
  }

  /**
   * Until the campaign has accepted so many. Its journal is there a moment before it says what it is the journal of.
   */
  async function untilAccepted(count: number, campaign: ChildProcess): Promise<void> {
    while (campaign.exitCode === null) {
      if (existsSync(path.join(home, 'spring', 'journal.lmdb'))) {
        const { code, stdout, stderr } = await ended(start('peal status spring --json'));
        if (code === 0 && (JSON.parse(stdout) as Status).accepted >= count) return;
        assert.ok(code === 0 || stderr.includes('has only just begun'), `peal status ended with ${code}: ${stderr}`);
      }
      await sleep(100);
    }
    assert.fail(`the campaign has not accepted ${count}`);
  }

  /** The rows of a file of outcomes, without its head. */
  const rowsOf = (name: string): string[] => readFileSync(path.join(home, name), 'utf8').trimEnd().split('\n').slice(1);

  it('goes from the export to the clean-up', async () => {
    let campaign: { readonly child: ChildProcess; readonly end: Promise<Ran> } | null = null;
    const ran: string[] = [];
    for (const { text, line } of blocks) {
      const command = text.replaceAll('8443', String(port));
      const step = `line ${line}: ${command}`;
      if (command.startsWith('peal simulate')) {
        await simulate(command);
        ran.push('simulate');
      } else if (command.startsWith('export APNS=')) {
        variables = { ...variables, APNS: (await run(`${command}printf %s "$APNS"`)).stdout };
        ran.push('APNS');
      } else if (command.includes('psql') && postgres === null) {
        if (command.includes('> users.csv')) writeFileSync(path.join(home, 'users.csv'), exported());
      } else if (command.includes('> users.csv')) {
        await run(command);
        assert.equal(readFileSync(path.join(home, 'users.csv'), 'utf8'), exported());
        ran.push('export');
      } else if (command.includes('--canary')) {
        const child = start(`exec ${command}`);
        campaign = { child, end: ended(child) };
        await untilAccepted(150, child);
        // So slow that most are left when the commands below have run, however busy the machine is.
        await run('peal rate spring 10/s');
        ran.push('send');
      } else if (command.includes('--watch')) {
        const [first, watch] = command.trim().split('\n') as [string, string];
        assert.match((await run(first)).stdout, /running/, step);
        const child = start(`exec ${watch}`);
        const end = ended(child);
        await once(child.stdout!, 'data');
        child.kill('SIGINT');
        const { stdout, code } = await end;
        assert.match(stdout, /of 6,0/, step);
        assert.equal(code, 130, step);
        ran.push('status');
      } else if (command.includes('peal rate')) {
        await run(command);
        const { state, accepted } = await statusOf('spring');
        assert.equal(state, 'running', step);
        assert.ok(accepted < people / 2, `${accepted} are sent to already`);
        ran.push('steer');
      } else if (command.includes('kill -9')) {
        const { stdout } = await run('peal status spring');
        const [, pid] = /process (\d+)/.exec(stdout)!;
        assert.equal(Number(pid), campaign!.child.pid, stdout);
        await run(command.replace('4711', pid!));
        assert.equal((await campaign!.end).code, null, step);
        ran.push('kill');
      } else if (command.includes('--dry-run') && command.includes('--out')) {
        const { stdout } = await run(command);
        const counts = await statusOf('spring');
        assert.match(stdout, /stopped/, step);
        const done = (counts.accepted + counts.rejected).toLocaleString('en-US');
        assert.match(stdout, new RegExp(`done already +${done} `), step);
        ran.push('dry run of the rest');
      } else if (command.includes('--dry-run')) {
        const { stdout } = await run(command);
        const shown = page.find((one) => one.language === 'text' && one.line > line)!;
        assert.equal(stdout.trim(), shown.text.trim(), step);
        ran.push('dry run');
      } else if (command.includes('resume spring --rate')) {
        const { stdout } = await run(command);
        const { state, unsent, unknown, accepted, rejected, invalid } = await statusOf('spring');
        assert.deepEqual([state, unsent], ['finished', 0], stdout);
        assert.equal(accepted + rejected + unknown + invalid, people, stdout);
        assert.ok(rejected > people / 100 && invalid === 6, stdout);
        ran.push('resume');
      } else if (command.includes('peal report')) {
        await run(command);
        assert.match(readFileSync(path.join(home, 'spring', 'report.html'), 'utf8'), /<title>/);
        ran.push('report');
      } else if (command.includes('from spring/gone.csv')) {
        const gone = rowsOf('spring/gone.csv');
        const isKept = new Set(everybody.filter(isNew).map(({ id }) => id));
        const deleted = gone.filter((row) => !isKept.has(Number(row.split(',')[3])));
        await run(command);
        const left = Number(postgres!.run('select count(*) from devices')[0]);
        assert.ok(deleted.length > 0 && deleted.length < gone.length, `${deleted.length} of ${gone.length}`);
        assert.equal(left, people - deleted.length, step);
        ran.push('clean-up');
      } else if (command.includes('--on-unknown resend')) {
        await run(command);
        const { unknown, accepted, rejected } = await statusOf('spring');
        assert.equal(unknown, 0, step);
        assert.equal(accepted + rejected, people - 6);
        ran.push('unknown');
      } else if (command.includes('--local-window')) {
        await run(command);
        const { accepted, rejected, unsent, recipients } = await statusOf('morning');
        assert.ok(accepted > 0 && unsent > 0, `${accepted}, ${unsent}`);
        assert.equal(accepted + rejected + unsent, recipients);
        ran.push('hours');
      } else {
        await run(command);
        ran.push('other');
      }
    }
    const all = [
      'simulate',
      'APNS',
      'export',
      'other',
      'dry run',
      'send',
      'status',
      'steer',
      'kill',
      'dry run of the rest',
    ];
    const rest = ['resume', 'report', 'clean-up', 'unknown', 'hours'];
    const needsPostgres = new Set(postgres === null ? ['export', 'clean-up'] : []);
    assert.deepEqual(
      ran,
      [...all, ...rest].filter((step) => !needsPostgres.has(step)),
    );
  });
});
