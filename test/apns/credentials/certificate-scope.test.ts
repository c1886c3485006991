/** What a push certificate says that it is for, read when it is loaded, and checked before anything is sent. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { certificateScope } from '../../../src/apns/credentials/certificate-scope.js';
import { loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { APNs, Message, Session } from '../../../src/index.js';
import { type ClientCertificateOptions, startSimulator, ThrowAwayAuthority } from '../../../src/simulator/index.js';
import { hasOpenssl, makePkcs12 } from '../../support/pkcs12.js';

const app = 'com.example.app';
const universal = [app, `${app}.voip`, `${app}.complication`];
const authority = new ThrowAwayAuthority();
const issue = (options: ClientCertificateOptions) => authority.issueClient(app, options);
const scopeIn = (cert: string) => certificateScope(new X509Certificate(cert).raw, null);

describe('apns/credentials/certificate-scope', () => {
  it('reads topics and environments', () => {
    assert.deepEqual(scopeIn(issue({ topics: universal }).cert), {
      topics: universal,
      environments: ['sandbox', 'production'],
    });
    assert.deepEqual(scopeIn(issue({ environments: ['sandbox'] }).cert), { topics: null, environments: ['sandbox'] });
    assert.deepEqual(scopeIn(issue({ environments: [] }).cert), { topics: null, environments: null });
    assert.deepEqual(scopeIn(authority.issueServer().cert), { topics: null, environments: null });
  });

  it('counts the user id among the topics where there are any', () => {
    const { raw } = new X509Certificate(issue({ topics: [`${app}.voip`] }).cert);
    assert.deepEqual(certificateScope(raw, app).topics, [`${app}.voip`, app]);
    const plain = new X509Certificate(issue({}).cert);
    assert.equal(certificateScope(plain.raw, app).topics, null);
  });

  it('reads a certificate of openssl', async function () {
    if (!hasOpenssl()) this.skip();
    const folder = await mkdtemp(path.join(tmpdir(), 'peal-scope-'));
    try {
      const config = `[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nUID=${app}\nCN=Apple Push Services\n[ext]
basicConstraints=critical,CA:FALSE\n1.2.840.113635.100.6.3.2=ASN1:NULL
1.2.840.113635.100.6.3.6=ASN1:SEQUENCE:topics\n[topics]\na=UTF8:${app}\nb=SEQUENCE:app\nc=UTF8:${app}.voip\nd=SEQUENCE:voip
[app]\na=UTF8:app\n[voip]\na=UTF8:voip\n`;
      await writeFile(path.join(folder, 'req.cnf'), config);
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
      const out = ['-config', 'req.cnf', '-keyout', 'key.pem', '-out', 'cert.pem'];
      execFileSync('openssl', [...request, ...out], { cwd: folder, stdio: 'pipe' });
      const credential = loadCredential({
        certFile: path.join(folder, 'cert.pem'),
        keyFile: path.join(folder, 'key.pem'),
      });
      assert.deepEqual(credential.topics, [app, `${app}.voip`]);
      assert.deepEqual(credential.environments, ['production']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('finds nothing in bytes that are cut off or are not a certificate', () => {
    const { raw } = new X509Certificate(issue({ topics: universal }).cert);
    const nothing = { topics: null, environments: null };
    for (const length of [0, 1, 10, 200, raw.length - 1]) {
      assert.deepEqual(certificateScope(raw.subarray(0, length), null), nothing, String(length));
    }
    assert.deepEqual(certificateScope(Buffer.from('not DER at all'), app), nothing);
  });

  it('is shown with the credential, also of PKCS#12', function () {
    const pair = issue({ topics: universal, environments: ['production'] });
    const credential = loadCredential(pair);
    assert.deepEqual(credential.toJSON().topics, universal);
    assert.deepEqual(credential.toJSON().environments, ['production']);
    assert.match(inspect(credential), /com\.example\.app\.voip/);
    const { topics, environments } = loadCredential(issue({ environments: [] })).toJSON();
    assert.deepEqual([topics, environments, loadCredential(null).topics], [null, null, null]);
    if (!hasOpenssl()) this.skip();
    assert.deepEqual(
      loadCredential({ pfx: makePkcs12({ ...pair, passphrase: 'x' }), passphrase: 'x' }).topics,
      universal,
    );
  });

  it('stops a message for another topic before anything is sent, in each way of sending', async () => {
    await using simulator = await startSimulator({ auth: 'certificate', clientCa: authority.certificate });
    await using session = new Session({ ca: simulator.caCertificate!, threads: 0 });
    const apns = new APNs(session.getConnection(simulator.url, issue({ topics: universal })));
    const token = 'ab'.repeat(32);
    const wrong = new Message(token, { topic: 'com.example.other', alert: 'x' });
    const refusal = { code: 'ERR_PEAL_HEADER', message: /certificate is only for com\.example\.app, com/ };
    await assert.rejects(async () => apns.send(wrong), refusal);
    await assert.rejects(async () => apns.send([wrong]), refusal);
    await assert.rejects(async () => apns.push(wrong.withTokens([]), token), refusal);
    const missing = new Message(token, { alert: 'x' });
    await assert.rejects(async () => apns.send(missing), { code: 'ERR_PEAL_HEADER', message: /several topics/ });
    assert.equal(simulator.ledger.summary().requests, 0);
    assert.equal(simulator.ledger.summary().connections, 0);
    for (const [pushType, topic] of [
      ['alert', app],
      ['voip', `${app}.voip`],
      ['widgets', `${app}.push-type.widgets`],
    ] as const) {
      const message = new Message(token, { topic, pushType, payload: { aps: { alert: 'x' } } });
      assert.equal((await apns.send(message)).accepted, 1, pushType);
    }
  });

  it("stops a certificate for the other of Apple's environments before anything is opened", async () => {
    await using session = new Session({ threads: 0 });
    const sandboxOnly = issue({ environments: ['sandbox'] });
    const refusal = { code: 'ERR_PEAL_CREDENTIAL', message: /^The certificate is for the sandbox only, and / };
    const apns = new APNs(session.getConnection('production', sandboxOnly));
    const message = new Message('ab'.repeat(32), { topic: app, alert: 'x' });
    await assert.rejects(async () => apns.send(message), refusal);
    await assert.rejects(async () => apns.push(message.withTokens([]), 'ab'.repeat(32)), refusal);
    const binary = new APNs(session.getConnection('push_production', sandboxOnly));
    await assert.rejects(async () => binary.send(new Message('ab'.repeat(32), { alert: 'x' })), refusal);
  });
});
