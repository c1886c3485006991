import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import * as peal from '../src/index.js';
import { repositoryRoot } from './support/repository.js';

/** Prints the URL of every script that importing the library loads; ends by itself only if nothing was started. */
const probe = `
  import { Session } from 'node:inspector';
  const inspector = new Session();
  const urls = [];
  inspector.connect();
  inspector.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url));
  inspector.post('Debugger.enable');
  const { Session: Peal, APNs, Message } = await import(process.argv[1]);
  const backendOptions = { url: 'http://localhost:3128' };
  const session = new Peal({ threads: 2, backend: 'proxy', backendOptions });
  new APNs(session.getConnection('api_sandbox', null));
  new Message('ab'.repeat(32), { alert: 'hi' });
  console.log(JSON.stringify(urls.filter((url) => url.startsWith('file:'))));
`;

describe('importing the library', () => {
  it('loads no package, no engine and no simulator, and starts nothing', async () => {
    const index = new URL('../src/index.js', import.meta.url).href;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', probe, index]);
    const urls = JSON.parse(stdout) as string[];
    assert.ok(urls.includes(index));
    const heavy =
      /node_modules|src\/codec|src\/connection|src\/transport|dispatcher\/dispatcher|src\/cli|recipients\/token-file|simulator\/(simulator|index|certificate)/;
    assert.deepEqual(
      urls.filter((url) => heavy.test(url)),
      [],
    );
  });

  it('has a file for every path that package.json exports', () => {
    const manifest = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
      exports: Record<string, string | Record<string, string | { types: string; default: string }>>;
    };
    const entries = Object.entries(manifest.exports);
    assert.ok(entries.length >= 2);
    for (const [name, entry] of entries) {
      if (typeof entry === 'string') {
        assert.match(entry, /^\.\/[\w.-]+\.json$/, `${name} is not code`);
        assert.ok(existsSync(path.join(repositoryRoot, entry)), entry);
        continue;
      }
      // Node takes the first condition that it knows: require must never get ahead of it.
      assert.deepEqual(Object.keys(entry), ['module-sync', 'import', 'require', 'default'], name);
      const files = Object.values(entry).flatMap((target) =>
        typeof target === 'string' ? target : Object.values(target),
      );
      for (const file of files) {
        // The copy as CommonJS is made when the package is packed, from what lies beside it.
        assert.ok(existsSync(new URL(file.replace(/^\.\/dist\/(cjs\/)?/, '../'), import.meta.url)), file);
      }
    }
  });

  it('names the outcomes of a ledger once more in one object', () => {
    const { ACCEPTED, Outcome, REJECTED, UNKNOWN, UNSENT } = peal;
    assert.deepEqual(Outcome, { accepted: ACCEPTED, rejected: REJECTED, unsent: UNSENT, unknown: UNKNOWN });
    assert.ok(Object.isFrozen(Outcome));
  });

  it('offers what the documentation names', () => {
    const names = [
      'APNs',
      'Message',
      'PealError',
      'Result',
      'Session',
      'TokenBlock',
      'loadCredential',
      'parseDeviceToken',
    ];
    for (const name of [...names, 'readTokens', 'reasons', 'startSimulator']) assert.ok(name in peal, name);
  });
});
