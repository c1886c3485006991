/** The simulated token endpoint: access tokens for signed assertions, and what they are worth. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { type SimulatorOptions, startSimulator } from '../../../src/simulator/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { assertionOf, errorOf, FcmClient, grantForm, postForm } from './fcm-client.js';

const message = { token: 'x:APA91b', notification: { title: 'Hi' } };

describe('simulator: token endpoint of FCM', () => {
  const opened: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(options: SimulatorOptions['fcm'] = true, further: SimulatorOptions = {}) {
    const simulator = await startSimulator({ ...further, fcm: options });
    opened.push(simulator);
    const ca = simulator.caCertificate ?? '';
    const fcm = simulator.fcm!;
    const ask = (claims: object = {}, header: object = {}, account: object = {}) => {
      const all = { ...fcm.serviceAccount, ...account };
      return postForm(fcm.tokenUrl, ca, grantForm(assertionOf(all, Date.now(), claims, header)));
    };
    const send = async (accessToken: string | null) => {
      const client = new FcmClient(fcm.httpsUrl, ca, accessToken);
      opened.push(client);
      return await client.send(message);
    };
    return { ca, fcm, ask, send };
  }

  it('gives access tokens of the length of Google’s, with which messages are taken', async () => {
    const { ask, fcm, send } = await start();
    assert.equal(fcm.serviceAccount.token_uri, fcm.tokenUrl);
    assert.equal(fcm.serviceAccount.project_id, 'peal-simulator');
    const { status, body } = await ask({}, { kid: fcm.serviceAccount.private_key_id });
    assert.equal(status, 200);
    assert.deepEqual([body.expires_in, body.token_type], [3599, 'Bearer']);
    const token = String(body.access_token);
    assert.match(token, /^ya29\.c\.[\w-]{223}\.+$/);
    assert.equal(token.length, 1024);
    assert.equal((await send(token)).status, 200);
    assert.equal((await send(token.replace(/\.+$/, ''))).status, 200);
    assert.deepEqual(fcm.summary().tokens, { requests: 1, minted: 1, refused: 0, errors: {} });
  });

  it('refuses requests without a valid access token, each in the words of Google', async () => {
    const { fcm, send } = await start();
    const reasonOf = async (token: string | null): Promise<unknown> => {
      const reply = await send(token);
      assert.equal(reply.status, 401);
      assert.equal(errorOf(reply).status, 'UNAUTHENTICATED');
      return errorOf(reply).details?.[0]?.reason;
    };
    assert.equal(await reasonOf(null), 'CREDENTIALS_MISSING');
    assert.equal(await reasonOf('ya29.c.other'), 'ACCESS_TOKEN_TYPE_UNSUPPORTED');
    const token = fcm.issueAccessToken();
    fcm.expireAccessTokens();
    assert.equal(await reasonOf(token), 'ACCESS_TOKEN_EXPIRED');
    assert.deepEqual(fcm.ledger.summary().reasons, { UNAUTHENTICATED: 2, ACCESS_TOKEN_EXPIRED: 1 });
  });

  it('ends the life of a token on a connection that has used it', async () => {
    const { ca, fcm } = await start({ tokenLifeS: 60 });
    const client = new FcmClient(fcm.httpsUrl, ca, fcm.issueAccessToken());
    opened.push(client);
    assert.equal((await client.send(message)).status, 200);
    assert.equal((await client.send(message)).status, 200);
    fcm.expireAccessTokens();
    assert.equal((await client.send(message)).status, 401);
    assert.equal((await client.send(message, { authorization: `Bearer ${fcm.issueAccessToken()}` })).status, 200);
  });

  it('has tokens live as long as it says', async () => {
    const clock = new VirtualClock();
    const { fcm } = await start({ tokenLifeS: 100 }, { clock });
    const assertion = assertionOf(fcm.serviceAccount, clock.wallMs());
    const { body } = fcm.exchange(grantForm(assertion));
    assert.equal(JSON.parse(body).expires_in, 100);
  });

  it('refuses assertions that are wrong, with the error that Google gives', async () => {
    const { ask, fcm } = await start();
    const nowS = Math.floor(Date.now() / 1000);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const other = { private_key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
    const refusals: readonly (readonly [Promise<{ status: number; body: Record<string, unknown> }>, string, RegExp])[] =
      [
        [ask({}, {}, other), 'invalid_grant', /^Invalid JWT Signature\.$/],
        [ask({}, { kid: 'other' }), 'invalid_grant', /^Invalid JWT Signature\.$/],
        [ask({ iss: 'nobody@example.com' }), 'invalid_grant', /^Invalid grant: account not found$/],
        [ask({ iat: nowS, exp: nowS + 3601 }), 'invalid_grant', /short-lived token \(60 minutes\)/],
        [ask({ iat: nowS + 600, exp: nowS + 900 }), 'invalid_grant', /short-lived token/],
        [ask({ iat: nowS - 7200, exp: nowS - 3600 }), 'invalid_grant', /short-lived token/],
        [ask({ aud: 'https://example.com/token' }), 'invalid_grant', /^Invalid JWT: Failed audience check/],
        [ask({ scope: '' }), 'invalid_scope', /^Empty or missing scope/],
        [ask({ scope: 'messaging' }), 'invalid_scope', /^Invalid OAuth scope/],
      ];
    for (const [reply, error, description] of refusals) {
      const { status, body } = await reply;
      assert.equal(status, 400);
      assert.equal(body.error, error);
      assert.match(String(body.error_description), description);
    }
    assert.equal((await ask({ aud: 'https://oauth2.googleapis.com/token' })).status, 200);
    const { errors, minted, refused, requests } = fcm.summary().tokens;
    assert.deepEqual({ minted, refused, requests }, { minted: 1, refused: 9, requests: 10 });
    assert.deepEqual(errors, { invalid_grant: 7, invalid_scope: 2 });
  });

  it('refuses requests of another form', async () => {
    const { ca, fcm } = await start();
    const post = (form: string, type?: string) => postForm(fcm.tokenUrl, ca, form, type);
    assert.equal((await post('grant_type=password')).body.error, 'unsupported_grant_type');
    assert.equal((await post('')).body.error, 'invalid_request');
    assert.equal((await post('{}', 'application/json')).status, 400);
    assert.equal((await post(grantForm('a.b.c'))).body.error, 'invalid_grant');
    assert.equal((await postForm(fcm.tokenUrl.replace('/token', '/other'), ca, '')).status, 404);
  });

  it('knows accounts that are disabled, deleted or without the permission, and scopes that are none', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const private_key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const accountOf = (state: 'disabled' | 'deleted' | 'denied' | 'active') => ({
      client_email: `${state}@example.com`,
      public_key: publicKey,
      state,
    });
    const states = ['disabled', 'deleted', 'denied', 'active'] as const;
    const { ask, send } = await start({ serviceAccounts: states.map(accountOf) });
    const as = (state: string, claims: object = {}) =>
      ask(claims, {}, { client_email: `${state}@example.com`, private_key });
    assert.equal((await as('disabled')).body.error_description, 'Robot is disabled.');
    const deleted = await as('deleted');
    assert.deepEqual([deleted.status, deleted.body.error], [401, 'deleted_client']);
    const denied = await send(String((await as('denied')).body.access_token));
    assert.equal(denied.status, 403);
    assert.match(
      errorOf(denied).message,
      /^Permission 'cloudmessaging\.messages\.create' denied on resource .*peal-sim/,
    );
    const scope = 'https://www.googleapis.com/auth/devstorage.read_only';
    const narrow = await send(String((await as('active', { scope })).body.access_token));
    assert.deepEqual([narrow.status, errorOf(narrow).details?.[0]?.reason], [403, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT']);
    assert.equal((await send(String((await as('active')).body.access_token))).status, 200);
  });

  it('fails as often as it is told to', async () => {
    const { ask, fcm } = await start();
    fcm.failTokens(503, 'unavailable', 2);
    assert.deepEqual([(await ask()).status, (await ask()).status, (await ask()).status], [503, 503, 200]);
    assert.deepEqual(fcm.summary().tokens.errors, { 'HTTP 503': 2 });
  });
});
