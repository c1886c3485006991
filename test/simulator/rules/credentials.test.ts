/** Who may push: provider tokens and client certificates, as the simulator checks them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { importPKCS8, SignJWT } from 'jose';
import {
  createThrowAwayProviderKey,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
  ThrowAwayAuthority,
  type ThrowAwayProviderKey,
} from '../../../src/simulator/index.js';
import { PushClient, type PushClientOptions, tokenNumber } from '../../support/push-client.js';

const token = tokenNumber(1);
const providerKey = createThrowAwayProviderKey();

/** A provider token made by another library. */
async function providerToken(key: ThrowAwayProviderKey, ageSeconds = 0): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1000) - ageSeconds;
  const jwt = new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: key.keyId }).setIssuer(key.teamId);
  return `bearer ${await jwt.setIssuedAt(issuedAt).sign(await importPKCS8(key.p8, 'ES256'))}`;
}

describe('simulator: credentials', () => {
  const opened: (Simulator | PushClient)[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(options: SimulatorOptions): Promise<Simulator> {
    const simulator = await startSimulator({ controlPort: null, ...options });
    opened.push(simulator);
    return simulator;
  }

  function clientOf(simulator: Simulator, options: Partial<PushClientOptions> = {}): PushClient {
    const client = new PushClient(simulator.url, { ca: simulator.caCertificate ?? '', ...options });
    opened.push(client);
    return client;
  }

  async function reasonFor(simulator: Simulator, authorization: string | undefined): Promise<string> {
    return (await clientOf(simulator).push(token, { authorization })).reason;
  }

  it('accepts a provider token of a known key and verifies its signature', async () => {
    const simulator = await start({ auth: 'token', providerKeys: [providerKey] });
    assert.equal(await reasonFor(simulator, await providerToken(providerKey)), '');
    const forged = { ...createThrowAwayProviderKey(), keyId: providerKey.keyId, teamId: providerKey.teamId };
    assert.equal(await reasonFor(simulator, await providerToken(forged)), 'InvalidProviderToken');
    const unknown = { ...providerKey, keyId: 'UNKNOWNKEY' };
    assert.equal(await reasonFor(simulator, await providerToken(unknown)), 'InvalidProviderToken');
    const otherTeam = { ...providerKey, teamId: 'OTHERTEAM1' };
    assert.equal(await reasonFor(simulator, await providerToken(otherTeam)), 'InvalidProviderToken');
  });

  it('accepts any well-formed provider token when no keys are given', async () => {
    const simulator = await start({ auth: 'token' });
    assert.equal(await reasonFor(simulator, await providerToken(createThrowAwayProviderKey())), '');
    assert.equal(await reasonFor(simulator, 'bearer nonsense'), 'InvalidProviderToken');
    assert.equal(await reasonFor(simulator, `basic ${await providerToken(providerKey)}`), 'InvalidProviderToken');
    const shortName = { ...providerKey, keyId: 'SHORT' };
    assert.equal(await reasonFor(simulator, await providerToken(shortName)), 'InvalidProviderToken');
  });

  it('answers MissingProviderToken where one is asked for', async () => {
    assert.equal(await reasonFor(await start({ auth: 'token' }), undefined), 'MissingProviderToken');
    assert.equal(await reasonFor(await start({ auth: 'either' }), undefined), 'MissingProviderToken');
    assert.equal(await reasonFor(await start({ auth: 'any' }), undefined), '');
  });

  it('answers ExpiredProviderToken once a token is an hour old, and not before', async () => {
    const simulator = await start({ auth: 'token' });
    assert.equal(await reasonFor(simulator, await providerToken(providerKey, 3570)), '');
    assert.equal(await reasonFor(simulator, await providerToken(providerKey, 3601)), 'ExpiredProviderToken');
    assert.equal(await reasonFor(simulator, await providerToken(providerKey, -900)), 'InvalidProviderToken');
  });

  it('binds a connection to the key of its first valid token', async () => {
    const simulator = await start({ auth: 'token' });
    const client = clientOf(simulator);
    const other = createThrowAwayProviderKey('ANOTHERKEY');
    await client.push(token, { authorization: await providerToken(providerKey) });
    const second = await client.push(token, { authorization: await providerToken(other) });
    assert.deepEqual([second.status, second.reason], [403, 'UnrelatedKeyIdInToken']);
    assert.equal((await client.push(token, { authorization: await providerToken(providerKey, 5) })).status, 200);
  });

  it('lets a connection show the tokens of two related keys', async () => {
    const other = createThrowAwayProviderKey('RELATEDKEY');
    const stranger = createThrowAwayProviderKey('STRANGER01');
    const named = { ...providerKey, relatedKeyId: other.keyId };
    const simulator = await start({ auth: 'token', providerKeys: [named, other, stranger] });
    for (const [first, second] of [
      [providerKey, other],
      [other, providerKey],
    ] as const) {
      const client = clientOf(simulator);
      const reasons: string[] = [];
      for (const key of [first, second, stranger, first]) {
        reasons.push((await client.push(token, { authorization: await providerToken(key) })).reason);
      }
      assert.deepEqual(reasons, ['', '', 'UnrelatedKeyIdInToken', '']);
    }
  });

  it('answers TopicDisallowed outside of the topics of a key', async () => {
    const simulator = await start({
      ...{ auth: 'token', providerKeys: [{ ...providerKey, topics: ['com.example.app'] }] },
    });
    const client = clientOf(simulator);
    const authorization = await providerToken(providerKey);
    const reasonOf = async (topic: string, pushType = 'alert') =>
      (await client.push(token, { authorization, 'apns-topic': topic, 'apns-push-type': pushType })).reason;
    assert.equal(await reasonOf('com.example.app'), '');
    assert.equal(await reasonOf('com.example.app.voip', 'voip'), '');
    assert.equal(await reasonOf('com.example.other'), 'TopicDisallowed');
    assert.equal(await reasonOf('com.example.app'), '');
  });

  it('answers BadEnvironmentKeyIdInToken for a key of the other environment', async () => {
    const sandboxKey = { ...createThrowAwayProviderKey('SANDBOXKEY'), environment: 'sandbox' } as const;
    const providerKeys = [sandboxKey, providerKey];
    for (const [environment, reason] of [
      ['production', 'BadEnvironmentKeyIdInToken'],
      ['sandbox', ''],
      [undefined, ''],
    ] as const) {
      const simulator = await start({
        ...{ auth: 'token', providerKeys, ...(environment !== undefined && { environment }) },
      });
      assert.equal(await reasonFor(simulator, await providerToken(sandboxKey)), reason, environment);
      assert.equal(await reasonFor(simulator, await providerToken(providerKey)), '', 'a key for both');
    }
  });

  it('reads topics and environments out of client certificates', async () => {
    const authority = new ThrowAwayAuthority('clients');
    const simulator = await start({ auth: 'either', clientCa: authority.certificate, environment: 'production' });
    const app = 'com.example.app';
    const several = clientOf(simulator, authority.issueClient(app, { topics: [app, `${app}.voip`] }));
    const reasonOf = async (topic: string | undefined, pushType: string) =>
      (await several.push(token, { 'apns-topic': topic, 'apns-push-type': pushType })).reason;
    assert.equal(await reasonOf(app, 'alert'), '');
    assert.equal(await reasonOf(`${app}.voip`, 'voip'), '');
    assert.equal(await reasonOf(`${app}.complication`, 'complication'), 'TopicDisallowed');
    assert.equal(await reasonOf('com.example.other', 'alert'), 'TopicDisallowed');
    assert.equal(await reasonOf(undefined, 'alert'), 'MissingTopic');
    const one = clientOf(simulator, authority.issueClient(app, { topics: [app] }));
    assert.equal((await one.push(token, { 'apns-topic': undefined })).status, 200);
    const elsewhere = clientOf(simulator, authority.issueClient(app, { environments: ['sandbox'] }));
    assert.equal((await elsewhere.push(token)).reason, 'BadCertificateEnvironment');
  });

  it('allows one stream until the first valid provider token, then as many as configured', async () => {
    const simulator = await start({ auth: 'token', maxStreams: 250 });
    const client = clientOf(simulator);
    await client.ready();
    assert.equal(client.session.remoteSettings.maxConcurrentStreams, 1);
    await client.push(token);
    assert.equal(client.session.remoteSettings.maxConcurrentStreams, 1, 'a push without a token proves nothing');
    const raised = once(client.session, 'remoteSettings');
    await client.push(token, { authorization: await providerToken(providerKey) });
    await raised;
    assert.equal(client.session.remoteSettings.maxConcurrentStreams, 250);
  });

  it('takes a client certificate instead of a provider token, for the topic it was issued for', async () => {
    const authority = new ThrowAwayAuthority('clients');
    const simulator = await start({ auth: 'either', clientCa: authority.certificate });
    const client = clientOf(simulator, authority.issueClient('com.example.app'));
    await client.ready();
    assert.equal(client.session.remoteSettings.maxConcurrentStreams, 1000);
    assert.equal((await client.push(token)).status, 200);
    assert.equal((await client.push(token, { 'apns-topic': undefined })).status, 200);
    assert.equal((await client.push(token, { 'apns-topic': 'com.example.other' })).reason, 'TopicDisallowed');
    const voip = { 'apns-topic': 'com.example.app.voip', 'apns-push-type': 'voip' };
    assert.equal((await client.push(token, voip)).status, 200);
    const location = { 'apns-topic': 'com.example.app.location-query', 'apns-push-type': 'location' };
    assert.equal((await client.push(token, location)).reason, 'InvalidPushType');
  });

  it('turns a client certificate of a stranger away with GOAWAY BadCertificate', async () => {
    const authority = new ThrowAwayAuthority('clients');
    const stranger = new ThrowAwayAuthority('strangers');
    const simulator = await start({ auth: 'either', clientCa: authority.certificate });
    const client = clientOf(simulator, stranger.issueClient('com.example.app'));
    const [, lastStreamId, debug] = (await once(client.session, 'goaway')) as [number, number, Buffer];
    assert.equal(lastStreamId, 0);
    assert.deepEqual(JSON.parse(debug.toString()), { reason: 'BadCertificate' });
  });

  it('refuses the handshake without a client certificate where one is required', async () => {
    const authority = new ThrowAwayAuthority('clients');
    const simulator = await start({ auth: 'certificate', clientCa: authority.certificate });
    const anonymous = connect({ port: simulator.port, ca: simulator.caCertificate ?? '', ALPNProtocols: ['h2'] });
    const [alert] = (await once(anonymous, 'error')) as [NodeJS.ErrnoException];
    assert.equal(alert.code, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    const known = clientOf(simulator, authority.issueClient('com.example.app'));
    assert.equal((await known.push(token)).status, 200);
    assert.equal(simulator.ledger.summary().connections, 1);
  });
});
