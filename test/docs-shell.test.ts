/**
 * The shell examples of README.md and docs/: each option of `peal` and each script of npm exists; what needs nothing
 * but this machine is run as it stands, with ports that are free.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { randomTokens } from './cli/fixture.js';
import { pealFaultOf } from './support/command-options.js';
import { quietPort } from './support/quiet-port.js';
import { repositoryRoot } from './support/repository.js';
import { type Snippet, snippets } from './support/snippets.js';

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const shell = snippets.filter(({ language }) => language === 'sh');

/** Its commands, each on one line, without comments and without what says "and so on". */
function commandsOf({ text }: Snippet): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ').replaceAll(/\|\n\s*/g, '| ');
  const lines = joined.split('\n').map((line) =>
    line
      .replace(/(^|\s)#.*$/, '')
      .replace(/ …$/, '')
      .trim(),
  );
  return lines.filter((line) => line !== '');
}

/** What is wrong with a command of peal or npm; null where nothing is. */
function faultOf(command: string): string | null {
  const fault = pealFaultOf(command);
  if (fault !== null) return fault;
  const { scripts } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const missing = [...command.matchAll(/\bnpm run ([\w:]+)/g)].filter(([, name]) => scripts[name!] === undefined);
  return missing.length === 0 ? null : `there is no script ${missing.map(([, name]) => name).join(', ')}`;
}

const hasCurl = (): boolean => spawnSync('curl', ['--version']).stdout?.includes('HTTP2') === true;

describe('shell examples of the documents', () => {
  let home: string;
  const simulators: ChildProcess[] = [];

  before(() => {
    home = mkdtempSync(path.join(tmpdir(), 'peal-shell-'));
    writeFileSync(path.join(home, 'tokens.txt'), `${randomTokens(20).join('\n')}\n`);
    symlinkSync(path.join(repositoryRoot, 'examples'), path.join(home, 'examples'));
    mkdirSync(path.join(home, 'bin'));
    const script = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
    writeFileSync(path.join(home, 'bin', 'peal'), script, { mode: 0o755 });
  });

  async function stopSimulators(): Promise<void> {
    for (const simulator of simulators.splice(0)) {
      const gone = once(simulator, 'exit');
      simulator.kill('SIGTERM');
      await gone;
    }
  }

  afterEach(stopSimulators);

  after(() => rmSync(home, { recursive: true, force: true }));

  const env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    PATH: `${path.join(home, 'bin')}${path.delimiter}${process.env.PATH}`,
    NO_COLOR: '1',
  });

  /** Starts a simulator as an example does, and waits until it says where it listens. */
  async function simulate(command: string): Promise<void> {
    const child = spawn('bash', ['-c', `exec ${command}`], {
      cwd: home,
      env: env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    simulators.push(child);
    const said: string[] = [];
    child.stderr.on('data', (text: Buffer) => said.push(text.toString()));
    for await (const line of createInterface({ input: child.stdout })) {
      if (/https:\/\//.test(line)) return;
    }
    assert.fail(`${command}: ${said.join('')}`);
  }

  for (const snippet of shell) {
    it(`${snippet.page}, line ${snippet.line}: has commands and options that exist`, () => {
      for (const command of commandsOf(snippet)) assert.equal(faultOf(command), null, command);
    });
  }

  it('are told from each other', () => {
    assert.equal(faultOf('peal send --tokens t --topic a.b'), null);
    assert.equal(faultOf('peal send --token t'), 'peal send has no --token');
    assert.equal(faultOf('peal push --tokens t'), 'there is no command peal push');
    assert.equal(faultOf('npm ci && npm run demos'), 'there is no script demos');
  });

  // A page tells one story: what its examples start is what later ones send to.
  for (const page of ['README.md', 'docs/simulator.md']) {
    it(`${page}: what needs nothing but this machine runs as it stands`, async function () {
      if (!hasCurl()) this.skip();
      const ports = new Map<string, number>();
      for (const port of ['8443', '8444', '8445', '8446', '2195', '2196']) ports.set(port, await quietPort());
      let ran = 0;
      for (const snippet of shell.filter((one) => one.page === page)) {
        const all = commandsOf(snippet);
        const isLocal = (line: string): boolean =>
          /^(peal simulate|for i in)\b/.test(line) || /localhost|127\.0\.0\.1/.test(line);
        for (const line of all.filter(isLocal)) {
          const command = line
            .replaceAll(/\b\d{4}\b/g, (number) => String(ports.get(number) ?? number))
            .replaceAll('/tmp/', `${home}/`);
          if (command.startsWith('peal simulate')) {
            // The one before it has the port.
            await stopSimulators();
            await simulate(command);
          } else {
            const { stdout } = await promisify(execFile)('bash', ['-ec', command], { cwd: home, env: env() });
            if (command.startsWith('peal send')) assert.match(stdout, /20/, stdout);
          }
          ran += 1;
        }
      }
      assert.ok(ran >= 2, `${ran} commands`);
    });
  }
});
