import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { PealError } from '../../src/base/errors.js';
import {
  accessTokenCheckMs,
  accessTokenRetryMs,
  accessTokenTimeoutMs,
  maxTokenAnswerBytes,
} from '../../src/base/limits.js';
import { AccessTokenOrigin, GivenAccessTokenOrigin } from '../../src/fcm/access-token.js';
import { type PostForm, tokenEndpoint } from '../../src/fcm/token-endpoint.js';
import { TokenKeeper } from '../../src/push/credentials/token-keeper.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { quietPort } from '../support/quiet-port.js';
import { TokenEndpoint } from '../support/token-endpoint.js';
import { VirtualClock } from '../support/virtual-clock.js';

const { privateKey: key, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const clientEmail = 'peal@my-app.iam.gserviceaccount.com';
const tokenUrl = 'https://oauth2.googleapis.com/token';
const assertion = { clientEmail, keyId: 'key-1', key, tokenUrl };
const minute = 60_000;

const given = (token: string, seconds: unknown = 3599) => ({
  status: 200,
  body: JSON.stringify({ access_token: token, expires_in: seconds, token_type: 'Bearer' }),
});
const refused = (status: number, error: string, description = '') => ({
  status,
  body: JSON.stringify({ error, error_description: description }),
});

async function sentenceOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    assert.ok(error instanceof PealError, String(error));
    assert.equal(error.code, 'ERR_PEAL_CREDENTIAL');
    assert.doesNotMatch(inspect(error), /eyJ\w\w|PRIVATE|secret-token/);
    return error.message;
  }
  return 'nothing';
}

/** Lets the waits between requests pass until `promise` has settled; not the time in which an answer has to come. */
async function settled<Value>(clock: VirtualClock, promise: Promise<Value>): Promise<Value> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  promise.then(over, over);
  while (!isOver) {
    await new Promise(setImmediate);
    const next = clock.nextTimerMs;
    if (next !== null && next - clock.now() <= accessTokenRetryMs) clock.advance(next - clock.now());
  }
  return promise;
}

describe('fcm/access-token', () => {
  it('asks with an assertion that the key has signed', async () => {
    const clock = new VirtualClock();
    const forms: string[] = [];
    const post: PostForm = async (form) => {
      forms.push(form);
      return given('ya29.c.b0A......');
    };
    const origin = new AccessTokenOrigin(assertion, post, clock);
    assert.equal(await origin.fetch(null, clock.wallMs()), 'ya29.c.b0A......');
    const form = new URLSearchParams(forms[0]);
    assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [header, claims, signature] = form.get('assertion')!.split('.') as [string, string, string];
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    assert.deepEqual(read(header), { alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    const iat = Math.floor(clock.wallMs() / 1000);
    assert.deepEqual(read(claims), {
      iss: clientEmail,
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: tokenUrl,
      iat,
      exp: iat + 3600,
    });
    const signed = Buffer.from(`${header}.${claims}`);
    assert.ok(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url')));
  });

  it('renews a token five minutes before its end, and while it lasts, again after a failure', async () => {
    const clock = new VirtualClock();
    let requests = 0;
    let isDown = false;
    const post: PostForm = async () => {
      requests++;
      return isDown ? refused(400, 'invalid_grant', 'Robot is disabled.') : given(`token-${requests}`);
    };
    const keeper = new TokenKeeper(new AccessTokenOrigin(assertion, post, clock), clock);
    const current = async (afterMs: number): Promise<string> => {
      clock.advance(afterMs);
      const token = await keeper.current();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      return token;
    };
    assert.equal(await current(0), 'token-1');
    assert.deepEqual([await current(54 * minute), requests], ['token-1', 1]);
    isDown = true;
    assert.deepEqual([await current(minute), requests], ['token-1', 2]);
    assert.deepEqual([await current(accessTokenCheckMs - 1), requests], ['token-1', 2]);
    assert.deepEqual([await current(1), requests], ['token-1', 3]);
    isDown = false;
    assert.deepEqual([await current(accessTokenCheckMs), requests], ['token-1', 4]);
    assert.deepEqual([await current(0), requests], ['token-4', 4]);
    isDown = true;
    await assert.rejects(current(3600_000), /disabled/);
  });

  it('gets another token when FCM calls one expired, and the same one for all that ask', async () => {
    const clock = new VirtualClock();
    let requests = 0;
    const post: PostForm = async () => given(`token-${++requests}`);
    const origin = new AccessTokenOrigin(assertion, post, clock);
    const keeper = new TokenKeeper(origin, clock);
    const tokens = await Promise.all([keeper.current(), keeper.current(), keeper.current()]);
    assert.deepEqual([tokens, requests], [['token-1', 'token-1', 'token-1'], 1]);
    assert.equal(await keeper.refresh('token-1'), 'token-2');
    assert.equal(await origin.fetch('token-1', clock.wallMs()), 'token-2');
    assert.equal(requests, 2);
  });

  const skew =
    'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp ' +
    'values in the JWT claim.';
  const tables = [
    [refused(400, 'invalid_grant', skew), /finds the time of the request wrong: set this machine's clock/],
    [refused(400, 'invalid_grant', 'Invalid JWT Signature.'), /does not know this key of peal@my-app.* Make a new key/],
    [
      refused(400, 'invalid_grant', 'Invalid grant: account not found'),
      /does not know the service account peal@my-app/,
    ],
    [refused(400, 'invalid_grant', 'The account has been deleted'), /does not know the service account/],
    [refused(400, 'invalid_grant', 'Robot is disabled.'), /account peal@my-app\S+ is disabled: enable it/],
    [refused(401, 'deleted_client', 'The OAuth client was deleted.'), /does not know the service account/],
    [refused(401, 'disabled_client'), /is disabled: enable it/],
    [refused(400, 'invalid_scope', 'Invalid OAuth scope.'), /does not give tokens for Firebase messaging/],
    [
      refused(400, 'access_denied', 'No. eyJhbGciOiJSUzI1NiJ9.abc.def'),
      /answers 400 \(access_denied: No\. eyJh…\): check/,
    ],
    [refused(503, 'internal_failure'), /has too much to do or a fault of its own \(503\): try again later/],
    [{ status: 404, body: '<html>Not found</html>' }, /answers 404 and is no token endpoint: check its URL/],
    [{ status: 200, body: '{}' }, /answers 200 without an access token/],
    [{ status: 200, body: '{"access_token":"a b"}' }, /answers 200 without an access token/],
    [
      { status: 200, body: '{"access_token":"secret-token","token_type":"mac"}' },
      /answers 200 without an access token/,
    ],
  ] as const;
  for (const [answer, expected] of tables) {
    it(`says what to do about ${answer.status} ${answer.body.slice(0, 80)}`, async () => {
      const clock = new VirtualClock();
      let requests = 0;
      const post: PostForm = async () => {
        requests++;
        return answer;
      };
      const origin = new AccessTokenOrigin(assertion, post, clock);
      const sentence = await sentenceOf(() => settled(clock, origin.fetch(null, clock.wallMs())));
      assert.match(
        sentence,
        /^No access token is available\. [A-Z].*\.$|^No access token is available\. oauth2\S+ .*\.$/,
      );
      assert.match(sentence, expected);
      assert.equal(requests, answer.status === 503 ? 3 : 1);
    });
  }

  it('asks again where the endpoint had a fault of its own', async () => {
    const clock = new VirtualClock();
    const answers = [refused(503, ''), given('token-1')];
    const origin = new AccessTokenOrigin(assertion, async () => answers.shift()!, clock);
    assert.equal(await settled(clock, origin.fetch(null, clock.wallMs())), 'token-1');
  });

  it('gives the tokens of a function, in the forms that packages of Google have', async () => {
    for (const result of ['token-1', 'Bearer token-1', { token: 'token-1' }, { access_token: 'token-1' }]) {
      const origin = new GivenAccessTokenOrigin(() => result);
      assert.equal(await origin.fetch(null), 'token-1');
      assert.match(await sentenceOf(() => origin.fetch('token-1')), /^FCM calls the given access token expired/);
    }
    for (const result of [undefined, null, '', {}, { token: null }]) {
      const origin = new GivenAccessTokenOrigin(() => result);
      assert.match(await sentenceOf(() => origin.fetch(null)), /^What the option accessToken returned is empty\./);
    }
    const bad = new GivenAccessTokenOrigin(() => 'secret-token with blanks');
    assert.match(await sentenceOf(() => bad.fetch(null)), /returned is not an access token\./);
    assert.equal(await new GivenAccessTokenOrigin(' token-1\n').fetch(null), 'token-1');
    assert.match(await sentenceOf(async () => new GivenAccessTokenOrigin('')), /The option accessToken is empty/);
  });
});

describe('fcm/token-endpoint', () => {
  const authority = new ThrowAwayAuthority('peal test', Date.now());
  const pair = authority.issueServer();
  const ca = authority.certificate;
  const environment = {};
  const clock = new VirtualClock();
  const originAt = (port: number, trusted: string | null, variables = environment, host = 'localhost') => {
    const url = new URL(`https://${host}:${port}/token`);
    const post = tokenEndpoint(url, { ca: trusted, environment: variables, clock });
    return new AccessTokenOrigin({ ...assertion, tokenUrl: url.href }, post, clock);
  };
  const fetched = (origin: AccessTokenOrigin) => settled(clock, origin.fetch(null, clock.wallMs()));

  it('gets a token over TLS', async () => {
    await using endpoint = await TokenEndpoint.open(pair);
    assert.equal(await fetched(originAt(endpoint.port, ca)), 'ya29.c.b0A');
    assert.equal(endpoint.forms.length, 1);
  });

  it('does not send the assertion to an endpoint that it does not trust', async () => {
    await using endpoint = await TokenEndpoint.open(pair);
    const sentence = await sentenceOf(() => fetched(originAt(endpoint.port, null)));
    assert.match(sentence, /The certificate of localhost:\d+ is not trusted \(\w+\): check who answers there/);
    assert.equal(endpoint.forms.length, 0);
  });

  it('says that nothing is there', async () => {
    const port = await quietPort();
    const sentence = await sentenceOf(() => fetched(originAt(port, ca)));
    assert.match(sentence, /localhost:\d+ cannot be reached \(ECONNREFUSED\): check the network/);
  });

  it('waits no longer than it should, and reads no more than it should', async () => {
    await using endpoint = await TokenEndpoint.open(pair);
    const own = new VirtualClock();
    const post = tokenEndpoint(new URL(`https://localhost:${endpoint.port}/`), { ca, environment, clock: own });
    endpoint.answers = [{ isSilent: true }];
    const silent = assert.rejects(post('a=b'), { code: 'ETIMEDOUT' });
    while (endpoint.forms.length === 0) await new Promise(setImmediate);
    own.advance(accessTokenTimeoutMs);
    await silent;
    endpoint.answers = [{ body: 'x'.repeat(10 * maxTokenAnswerBytes) }];
    assert.ok((await post('a=b')).body.length <= maxTokenAnswerBytes);
  });

  it('goes through the proxy that the environment names', async () => {
    await using endpoint = await TokenEndpoint.open(authority.issueServer(['oauth2.example.com']));
    await using proxy = await ConnectProxy.open({ login: 'me:pass', host: '127.0.0.1' });
    const through = { HTTPS_PROXY: `http://me:pass@127.0.0.1:${proxy.port}` };
    assert.equal(await fetched(originAt(endpoint.port, ca, through, 'oauth2.example.com')), 'ya29.c.b0A');
    assert.match(proxy.requests[0]!, new RegExp(`^CONNECT oauth2.example.com:${endpoint.port} `));
    const stranger = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    const sentence = await sentenceOf(() => fetched(originAt(endpoint.port, ca, stranger, 'oauth2.example.com')));
    assert.match(sentence, /oauth2\.example\.com:\d+ cannot be reached \(the proxy answers 407\)/);
  });
});
