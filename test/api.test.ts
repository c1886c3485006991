/** The public face of the package against its reports in api/. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { changedReports } from '../scripts/api.js';

const root = new URL('../../', import.meta.url);

/** What programs see of these folders: the options about connections, which SessionOptions extends. */
const shown = new Set(['LinkOptions']);

const inside = ['codec', 'connection', 'simulator/binary', 'simulator/faults', 'simulator/http2', 'simulator/rules'];

function exportedNames(folder: string): string[] {
  const files = readdirSync(new URL(`src/${folder}/`, root), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(new URL(`src/${folder}/${file}`, root), 'utf8');
      return Array.from(text.matchAll(/^export (?:class|interface|type|function|const) (\w+)/gm), ([, name]) => name!);
    });
}

describe('the public face', () => {
  it('is what the reports in api/ say', () => {
    const changed = changedReports(false);
    const advice = 'run npm run api, read what git diff api/ shows, and commit it if the change is meant';
    assert.equal(changed.length, 0, `The public face differs from the reports of ${changed.join(', ')}: ${advice}.`);
  });

  it('shows nothing of codec, connections and the inside of the simulator', () => {
    const hidden = new Set(inside.flatMap(exportedNames).filter((name) => !shown.has(name)));
    assert.ok(hidden.size > 100);
    for (const report of [
      'peal',
      'peal-backend',
      'peal-cluster',
      'peal-compat-apns2',
      'peal-compat-firebase-messaging',
      'peal-compat-node-apn',
      'peal-compat-node-apn-mock',
      'peal-simulator',
    ]) {
      const text = readFileSync(new URL(`api/${report}.api.md`, root), 'utf8');
      const declared = Array.from(text.matchAll(/^(?:export )?(?:class|interface|type|function|const) (\w+)/gm));
      const leaked = declared.map(([, name]) => name!).filter((name) => hidden.has(name));
      assert.deepEqual(leaked, [], `${report} shows what is for peal only: mark the members that name it @internal`);
    }
  });
});
