/**
 * examples/systemd: units that systemd takes, exit codes that are all decided, and the command of ExecStart as systemd
 * runs it (its environment, its signals), against the simulator, night after night.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  createThrowAwayProviderKey,
  type Simulator,
  type SimulatorOptions,
  scriptedToken,
  startSimulator,
} from '../../src/simulator/index.js';
import { randomTokens } from '../cli/fixture.js';
import { repositoryRoot } from '../support/repository.js';

const folder = path.join(repositoryRoot, 'examples', 'systemd');
const peal = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const textOf = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const unit = textOf('peal-nightly.service');

function setting(name: string, text = unit): string {
  const values = [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value!);
  assert.equal(values.length, 1, name);
  return values[0]!;
}

const codes = (name: string): number[] => setting(name).split(' ').map(Number);

describe('examples/systemd', () => {
  it('has units that systemd takes', function () {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return this.skip();
    const files = ['peal-nightly.service', 'peal-nightly.timer'].map((name) => path.join(folder, name));
    const { stderr } = spawnSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8' });
    // A machine may have other units that are at fault, and nightly.sh is not installed here.
    const own = stderr.split('\n').filter((line) => line.includes('peal-nightly') && !/not executable/.test(line));
    assert.deepEqual(own, []);
    const calendar = setting('OnCalendar', textOf('peal-nightly.timer'));
    assert.equal(spawnSync('systemd-analyze', ['calendar', calendar]).status, 0);
  });

  it('decides about each exit code of peal send', () => {
    const documented = readFileSync(path.join(repositoryRoot, 'docs', 'cli.md'), 'utf8');
    const [section] = /### Exit codes\n[\s\S]*?\n\n/.exec(documented)!;
    const all = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    const [succeeds, stays] = [codes('SuccessExitStatus'), codes('RestartPreventExitStatus')];
    const startsAgain = [4, 129, 130];
    assert.deepEqual([0, ...succeeds, ...stays, ...startsAgain].sort(), all.sort());
    assert.equal(setting('Restart'), 'on-failure');
  });

  describe('as systemd runs it', () => {
    let home: string;
    let simulator: Simulator;
    const key = createThrowAwayProviderKey();

    before(function () {
      if (process.platform === 'win32') this.skip();
    });

    beforeEach(() => {
      home = mkdtempSync(path.join(tmpdir(), 'peal-systemd-'));
      for (const name of ['bin', 'state', 'credentials', 'lists', 'etc']) mkdirSync(path.join(home, name));
      // What `npm install --global peal` puts into /usr/local/bin.
      const command = path.join(home, 'bin', 'peal');
      writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${peal}" "$@"\n`);
      chmodSync(command, 0o755);
      writeFileSync(path.join(home, 'credentials', 'apns.p8'), key.p8, { mode: 0o400 });
      writeFileSync(path.join(home, 'etc', 'nightly.json'), textOf('nightly.json'));
    });
    afterEach(async () => {
      await simulator?.close();
      rmSync(home, { recursive: true, force: true });
    });

    async function gateway(options: SimulatorOptions = {}): Promise<void> {
      const { keyId, teamId, publicKey } = key;
      const providerKeys = [{ keyId, teamId, publicKey }];
      simulator = await startSimulator({ controlPort: null, auth: 'token', providerKeys, ...options });
      writeFileSync(path.join(home, 'etc', 'ca.pem'), simulator.caCertificate!);
    }

    function list(night: string, tokens: readonly string[]): void {
      const rows = tokens.map((token, index) => `${token},Name ${index}\n`).join('');
      writeFileSync(path.join(home, 'lists', `${night}.csv`), `token,name\n${rows}`);
    }

    /** The variables of EnvironmentFile, with the simulator in the place of Apple, and those that systemd sets. */
    function environment(): NodeJS.ProcessEnv {
      const own = Object.fromEntries(
        [...textOf('nightly.env').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, ...pair]) => pair),
      );
      const { PEAL_ENVIRONMENT: _, ...settings } = own as Record<string, string>;
      return {
        ...settings,
        PEAL_PAYLOAD: settings.PEAL_PAYLOAD!.replace('/etc/peal', path.join(home, 'etc')),
        PEAL_GATEWAY: simulator.url,
        PEAL_CA: path.join(home, 'etc', 'ca.pem'),
        PEAL_KEY_ID: key.keyId,
        PEAL_TEAM_ID: key.teamId,
        STATE_DIRECTORY: path.join(home, 'state'),
        CREDENTIALS_DIRECTORY: path.join(home, 'credentials'),
        PATH: `${path.join(home, 'bin')}:/usr/bin:/bin`,
      };
    }

    interface Ended {
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
      readonly output: string;
    }

    /** `systemctl start`; with `stopAt`, ended by the signal once the gateway has so many requests. */
    async function start(stopAt?: { readonly requests: number; readonly signal: NodeJS.Signals }): Promise<Ended> {
      const command = setting('ExecStart')
        .replace('/usr/local/lib/peal', folder)
        .replace('/srv/peal/nightly', path.join(home, 'lists'));
      const [program, ...args] = command.split(' ') as [string, ...string[]];
      const child = spawn(program, args, { cwd: '/', env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text) => (output += text));
      const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
      if (stopAt !== undefined) {
        while (child.exitCode === null && simulator.ledger.summary().requests < stopAt.requests) await sleep(2);
        child.kill(stopAt.signal);
      }
      const [code, signal] = await ended;
      return { code, signal, output };
    }

    const succeeded = (code: number | null): boolean => code === 0 || codes('SuccessExitStatus').includes(code!);
    const outputs = (night: string, name: string): string => path.join(home, 'state', night, name);

    it('goes on after it was stopped and after it was killed, sends to each once, and begins anew the next night', async () => {
      // About 2,000 a second, as its rate says.
      await gateway();
      const tokens = [...randomTokens(6_000), ...[0, 1, 2].map((index) => scriptedToken('Unregistered', index))];
      list('2031-01-31', tokens);

      const stopped = await start({ requests: 300, signal: 'SIGTERM' });
      assert.ok(stopped.code === 143 && succeeded(stopped.code), stopped.output);
      assert.ok(simulator.ledger.summary().requests < tokens.length, 'it was stopped on its way');
      const killed = await start({ requests: simulator.ledger.summary().requests + 300, signal: 'SIGKILL' });
      assert.equal(killed.signal, 'SIGKILL', killed.output);
      const finished = await start();
      assert.ok(finished.code === 3 && succeeded(finished.code), finished.output);

      const { duplicates, distinctTokens, accepted, rejected } = simulator.ledger.summary();
      const summary = JSON.parse(readFileSync(outputs('2031-01-31', 'summary.json'), 'utf8'));
      assert.equal(duplicates, 0);
      assert.deepEqual([summary.recipients, summary.runs.length, summary.state], [tokens.length, 3, 'finished']);
      // Those that were in flight at the kill: they have no answer in the books, whatever the gateway did.
      assert.ok(
        summary.accepted <= accepted && summary.accepted + summary.unknown >= accepted,
        JSON.stringify(summary),
      );
      assert.ok(summary.rejected <= rejected);
      assert.equal(summary.unsent, 0);
      assert.ok(distinctTokens! + summary.unknown >= tokens.length);
      assert.match(
        readFileSync(outputs('2031-01-31', 'gone.csv'), 'utf8'),
        new RegExp(scriptedToken('Unregistered', 1)),
      );

      const again = await start();
      assert.ok(succeeded(again.code), again.output);
      assert.equal(simulator.ledger.summary().requests, accepted + rejected, 'what is finished is not sent again');

      const next = randomTokens(50);
      list('2031-02-01', next);
      assert.equal((await start()).code, 0);
      for (const token of next) assert.equal(simulator.ledger.answerOf(token), 'accepted');
      assert.equal(simulator.ledger.summary().duplicates, 0);
      assert.ok(existsSync(outputs('2031-01-31', 'summary.json')));
    });

    it('is started again where the gateway is out of reach, and not where a person has to look', async () => {
      await gateway();
      const { code: withoutList, output } = await start();
      assert.equal(withoutList, 0);
      assert.match(output, /nothing to send/);

      list('2031-01-31', randomTokens(20));
      const { port } = simulator;
      await simulator.close();
      const away = await start();
      assert.ok(away.code === 4 && !succeeded(4) && !codes('RestartPreventExitStatus').includes(4), away.output);
      await gateway({ port });
      assert.equal((await start()).code, 0);
      assert.equal(simulator.ledger.summary().accepted, 20);

      list('2031-02-01', randomTokens(20));
      rmSync(path.join(home, 'credentials', 'apns.p8'));
      const keyless = await start();
      assert.ok(keyless.code === 5 && codes('RestartPreventExitStatus').includes(5), keyless.output);
    });
  });
});
