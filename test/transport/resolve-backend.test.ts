import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PealError } from '../../src/base/errors.js';
import type { Backend } from '../../src/transport/backend.js';
import { type BackendInput, resolveBackend } from '../../src/transport/resolve-backend.js';
import { createTlsBackend } from '../../src/transport/tls.js';

const canary = 'PEAL-CANARY-SECRET';

describe('transport/resolve-backend', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-test-'));
    const files = {
      'class.mjs': 'export default class { constructor(options) { this.options = options; } open() {} }',
      'object.mjs': 'export default { open() {} };',
      'nothing.mjs': 'export const open = () => {};',
      'closed.mjs': 'export default class {}',
      'broken.mjs': `throw new Error('no network here');`,
      'picky.mjs': `export default class { constructor() { throw new TypeError('no host was given'); } }`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  });

  after(() => rmSync(folder, { recursive: true }));

  async function refusal(input: unknown, options: object | null = null): Promise<string> {
    let message = '';
    await assert.rejects(resolveBackend(input as BackendInput, options), (error: PealError) => {
      assert.deepEqual([error.code, error.origin], ['ERR_PEAL_OPTION', 'usage']);
      message = error.message;
      return true;
    });
    assert.ok(!message.includes(canary));
    return message;
  }

  it('makes the built-in back-ends by name', async () => {
    const accept = (): PealError => assert.fail();
    assert.equal(typeof (await resolveBackend('tls', null)).open, 'function');
    assert.equal(typeof (await resolveBackend('proxy', { url: 'http://localhost:1' })).open, 'function');
    assert.equal(typeof (await resolveBackend('memory', { accept })).open, 'function');
  });

  it('takes a back-end as it is, and makes one of a class', async () => {
    const backend = createTlsBackend();
    assert.equal(await resolveBackend(backend, null), backend);
    class Own implements Backend {
      readonly open = backend.open;
      constructor(readonly options: object) {}
    }
    const made = (await resolveBackend(Own as never, { a: 1 })) as Own;
    assert.deepEqual([made instanceof Own, made.options], [true, { a: 1 }]);
  });

  it('loads a module by path, absolute or from the working directory, and by URL', async () => {
    const absolute = path.join(folder, 'class.mjs');
    const forms = [absolute, `./${path.relative('.', absolute)}`, pathToFileURL(absolute).href];
    for (const form of forms) {
      const made = (await resolveBackend(form, { host: 'h' })) as unknown as { options: object };
      assert.deepEqual(made.options, { host: 'h' }, form);
    }
    assert.equal(typeof (await resolveBackend(path.join(folder, 'object.mjs'), null)).open, 'function');
  });

  it('says what is wrong with a module, a class or its options', async () => {
    const inFolder = (name: string): string => path.join(folder, name);
    assert.match(await refusal('no-such-package-of-peal'), /"no-such-package-of-peal" cannot be loaded \(ERR_MODULE/);
    assert.match(await refusal(inFolder('absent.mjs')), /cannot be loaded \(ERR_MODULE_NOT_FOUND\): give tls, memory/);
    assert.match(await refusal(inFolder('broken.mjs')), /cannot be loaded \(no network here\)/);
    assert.match(
      await refusal(inFolder('nothing.mjs')),
      /is not a back-end: the default export must be a class or an object/,
    );
    assert.match(await refusal(inFolder('closed.mjs')), /instances have no method open/);
    assert.match(await refusal(inFolder('picky.mjs'), { password: canary }), /cannot be made \(no host was given\)/);
    assert.match(await refusal('tls', { url: canary }), /The back-end tls has no option "url"/);
    assert.match(await refusal('proxy'), /The URL of the proxy must be/);
    assert.match(await refusal('memory', {}), /backendOptions: \{ accept \}/);
  });
});
