/**
 * The apps and credentials of `peal/compat/firebase-messaging`: as in firebase-admin 13.10, texts and codes included.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import admin, * as ours from '../../../src/compat/firebase-messaging/index.js';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const account = { projectId: 'my-app', clientEmail: 'sender@my-app.iam.gserviceaccount.com', privateKey };
const file = {
  type: 'service_account',
  project_id: 'my-app',
  client_email: account.clientEmail,
  private_key: privateKey,
};
const credential = { getAccessToken: async () => ({ access_token: 'token', expires_in: 3600 }) };

const withCode = (code: string, message: RegExp | string) => (error: unknown) => {
  assert.ok(error instanceof ours.FirebaseAppError, inspect(error));
  assert.equal(error.code, code);
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

/** Programs without types give them. */
const untyped = (value: unknown): never => value as never;

describe('apps of compat/firebase-messaging', () => {
  afterEach(async () => {
    await Promise.all(ours.getApps().map(ours.deleteApp));
  });

  it('are found by their names until they are deleted', async () => {
    const [first, second] = [ours.initializeApp({ credential }), ours.initializeApp({ credential }, 'second')];
    assert.deepEqual([first.name, second.name], ['[DEFAULT]', 'second']);
    assert.equal(ours.getApp(), first);
    assert.equal(admin.app('second'), second);
    assert.deepEqual([...admin.apps], [first, second]);
    assert.equal(ours.getMessaging(second).app, second);
    assert.equal(admin.messaging(), ours.getMessaging(first));
    await ours.deleteApp(first);
    assert.deepEqual(ours.getApps(), [second]);
    assert.equal(admin.apps.length, 1);
    assert.throws(
      () => first.name,
      withCode('app/app-deleted', 'Firebase app named "[DEFAULT]" has already been deleted.'),
    );
    const advice = 'Make sure you call initializeApp() before using any of the Firebase services.';
    assert.throws(
      () => ours.getMessaging(),
      withCode('app/no-app', `The default Firebase app does not exist. ${advice}`),
    );
    assert.throws(() => ours.getApp('x'), withCode('app/no-app', `Firebase app named "x" does not exist. ${advice}`));
  });

  it('are refused with options or a name that is not valid, or twice', () => {
    const named = 'Invalid Firebase app name "" provided. App name must be a non-empty string.';
    assert.throws(() => ours.initializeApp({ credential }, ''), withCode('app/invalid-app-name', named));
    for (const options of [null, 5, 'x']) {
      assert.throws(
        () => ours.initializeApp(untyped(options)),
        withCode('app/invalid-app-options', /must be a non-null object\.$/),
      );
    }
    for (const wrong of [undefined, null, {}, 'x']) {
      const starting = () => ours.initializeApp({ credential: untyped(wrong) });
      assert.throws(starting, withCode('app/invalid-app-options', /implements the Credential interface\.$/));
    }
    const app = ours.initializeApp({ projectId: 'p' });
    assert.equal(ours.initializeApp({ projectId: 'p' }), app);
    const exists = 'A Firebase app named "[DEFAULT]" already exists with a different configuration.';
    assert.throws(() => ours.initializeApp({ projectId: 'q' }), withCode('app/duplicate-app', exists));
    assert.throws(() => ours.initializeApp(), withCode('app/invalid-app-options', exists));
    assert.throws(
      () => ours.initializeApp({ credential }),
      withCode('app/invalid-app-options', /invoked with an optional Credential/),
    );
    ours.initializeApp({ credential }, 'own');
    assert.throws(
      () => ours.initializeApp({}, 'own'),
      withCode('app/invalid-app-options', /configuration: Credential\.$/),
    );
  });

  it('take their options from FIREBASE_CONFIG where none are given', () => {
    const { FIREBASE_CONFIG } = process.env;
    try {
      process.env.FIREBASE_CONFIG = '{"projectId":"from-environment"}';
      const app = ours.initializeApp();
      assert.equal(app.options.projectId, 'from-environment');
      assert.equal(ours.initializeApp(), app);
      process.env.FIREBASE_CONFIG = '{';
      assert.throws(
        () => ours.initializeApp(undefined, 'b'),
        withCode('app/invalid-app-options', /^Failed to parse app options file: /),
      );
    } finally {
      if (FIREBASE_CONFIG === undefined) delete process.env.FIREBASE_CONFIG;
      else process.env.FIREBASE_CONFIG = FIREBASE_CONFIG;
    }
  });

  it('show no key', () => {
    const app = ours.initializeApp({ credential: ours.cert(account) });
    const shown = inspect(app, { depth: 20, showHidden: true }) + JSON.stringify(app);
    const all = shown + inspect(app.options, { depth: 20, showHidden: true }) + JSON.stringify(app.options);
    assert.ok(!all.includes(privateKey.split('\n')[1]!), all);
    assert.ok(all.includes(account.clientEmail));
  });
});

describe('credentials of compat/firebase-messaging', () => {
  it('are read from an object in both spellings, and from a file', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-'));
    try {
      const at = path.join(folder, 'account.json');
      writeFileSync(at, JSON.stringify(file), { mode: 0o600 });
      for (const given of [account, file, at]) {
        const { projectId, clientEmail, privateKey: key } = ours.cert(untyped(given)) as unknown as typeof account;
        assert.deepEqual([projectId, clientEmail, key], ['my-app', account.clientEmail, privateKey]);
      }
      writeFileSync(at, privateKey);
      assert.throws(
        () => ours.cert(at),
        withCode('app/invalid-credential', 'Failed to parse service account json file: it is not JSON.'),
      );
      assert.throws(
        () => ours.cert(`${at}x`),
        withCode('app/invalid-credential', /^Failed to parse service .* ENOENT/),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are refused where something is missing, in a sentence without the key', () => {
    assert.throws(
      () => ours.cert(untyped(null)),
      withCode('app/invalid-credential', 'Service account must be an object.'),
    );
    for (const [name, field] of [
      ['projectId', 'project_id'],
      ['privateKey', 'private_key'],
      ['clientEmail', 'client_email'],
    ] as const) {
      const message = `Service account object must contain a string "${field}" property.`;
      assert.throws(() => ours.cert({ ...account, [name]: '' }), withCode('app/invalid-credential', message));
    }
    const cut = { ...account, privateKey: privateKey.slice(0, 200) };
    assert.throws(
      () => ours.cert(cut),
      (error) => {
        assert.ok(!inspect(error, { depth: 20 }).includes(privateKey.slice(30, 60)));
        return withCode('app/invalid-credential', /^Failed to parse private key: /)(error);
      },
    );
    assert.throws(() => ours.refreshToken({}), withCode('app/invalid-credential', /login of a person/));
  });
});
