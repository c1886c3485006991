import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import { proxyOf, proxyVariables } from '../../src/base/proxy-environment.js';

const proxy = 'http://proxy.example.com:3128';

function isDirect(noProxy: string, host: string, port = 443): boolean {
  return proxyOf({ HTTPS_PROXY: proxy, NO_PROXY: noProxy })!.isDirect(host, port);
}

describe('transport/proxy-environment', () => {
  it('takes the first variable that is not empty, in the order of curl', () => {
    const names = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
    for (let first = 0; first < names.length; first++) {
      const env = Object.fromEntries(
        names.map((name, at) => [name, at < first ? '' : `http://${at}.example.com:8080`]),
      );
      const found = proxyOf(env)!;
      assert.deepEqual([found.variable, found.address.host], [names[first], `${first}.example.com`]);
    }
    assert.equal(
      proxyOf({ HTTPS_PROXY: '', NO_PROXY: 'x', http_proxy: proxy, HTTP_PROXY: proxy, FTP_PROXY: proxy }),
      null,
    );
    assert.deepEqual(
      proxyVariables({ HTTPS_PROXY: proxy, no_proxy: '*', all_proxy: '', PATH: '/bin', http_proxy: proxy }),
      {
        HTTPS_PROXY: proxy,
        no_proxy: '*',
      },
    );
  });

  it('takes a proxy with and without scheme, with TLS, user and password', () => {
    const address = (value: string) => proxyOf({ HTTPS_PROXY: value })!.address;
    assert.deepEqual(
      ['proxy:3128', ' http://proxy:3128/ ', 'https://proxy:3128', 'HTTP://PROXY'].map((value) => {
        const { host, port, isSecure } = address(value);
        return [host, port, isSecure];
      }),
      [
        ['proxy', 3128, false],
        ['proxy', 3128, false],
        ['proxy', 3128, true],
        ['proxy', 80, false],
      ],
    );
    assert.equal(
      address('me:pass%40word@proxy:3128').authorization,
      `Basic ${Buffer.from('me:pass@word').toString('base64')}`,
    );
  });

  it('refuses what is no HTTP proxy, by the name of the variable, and quotes nothing', () => {
    const cases: readonly [string, RegExp][] = [
      ['socks5h://me:CANARY@proxy:1080', /variable HTTPS_PROXY names a SOCKS proxy, which peal does not speak/],
      ['ftp://me:CANARY@proxy', /variable HTTPS_PROXY must name an HTTP proxy: its URL must be http:\/\/HOST:PORT/],
      ['http://me:CANARY@proxy/path', /its URL must end after the port/],
      ['http://', /its URL must be/],
    ];
    for (const [value, message] of cases) {
      assert.throws(
        () => proxyOf({ HTTPS_PROXY: value }),
        (error: unknown) => {
          assert.ok(error instanceof PealError && error.code === 'ERR_PEAL_OPTION');
          assert.match(error.message, message);
          assert.match(error.message, /, or have the gateway reached directly by NO_PROXY\.$/);
          return !error.message.includes('CANARY');
        },
      );
    }
  });

  it('reaches directly what NO_PROXY names', () => {
    const cases: readonly [string, string, number, boolean][] = [
      ['*', 'api.push.apple.com', 443, true],
      ['push.apple.com', 'api.push.apple.com', 443, true],
      ['.push.apple.com', 'api.push.apple.com', 443, true],
      ['.push.apple.com', 'push.apple.com', 443, true],
      ['*.push.apple.com', 'api.push.apple.com', 443, true],
      ['API.PUSH.APPLE.COM.', 'api.push.apple.com', 443, true],
      ['api.push.apple.com', 'API.push.apple.com.', 443, true],
      ['push.apple.co', 'api.push.apple.com', 443, false],
      ['ple.com', 'api.push.apple.com', 443, false],
      ['api.push.apple.com.example.com', 'api.push.apple.com', 443, false],
      ['a.example, b.example\tapple.com', 'api.push.apple.com', 443, true],
      ['apple.com:443', 'api.push.apple.com', 443, true],
      ['apple.com:443', 'api.push.apple.com', 2197, false],
      ['10.1.2.3', '10.1.2.3', 443, true],
      ['10.1.2.3', '10.1.2.30', 443, false],
      ['10.0.0.0/8', '10.200.0.1', 443, true],
      ['10.0.0.0/8', '11.0.0.1', 443, false],
      ['10.0.0.0/33', '10.0.0.1', 443, false],
      ['10.1.2.3:8443', '10.1.2.3', 8443, true],
      ['fd00::/8', 'fd12::1', 443, true],
      ['[fd00::1]', 'fd00::1', 443, true],
      ['[fd00::1]:8443', '[fd00::1]', 8443, true],
      ['[fd00::1]:8443', 'fd00::1', 443, false],
      ['fd00:0:0::1', 'fd00::1', 443, true],
      ['', 'api.push.apple.com', 443, false],
      [' , ', 'api.push.apple.com', 443, false],
    ];
    for (const [noProxy, host, port, expected] of cases) {
      assert.equal(isDirect(noProxy, host, port), expected, `${noProxy} ${host}:${port}`);
    }
    const both = proxyOf({ HTTPS_PROXY: proxy, no_proxy: 'a.example', NO_PROXY: 'b.example' })!;
    assert.deepEqual([both.isDirect('a.example', 443), both.isDirect('b.example', 443)], [true, false]);
    assert.equal(
      proxyOf({ HTTPS_PROXY: proxy, no_proxy: '', NO_PROXY: 'b.example' })!.isDirect('b.example', 443),
      true,
    );
  });

  it('reaches this machine directly', () => {
    for (const host of ['localhost', 'LOCALHOST.', 'x.localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]']) {
      assert.ok(isDirect('', host), host);
    }
    for (const host of ['notlocalhost', 'localhost.example.com', '128.0.0.1', '::2'])
      assert.ok(!isDirect('', host), host);
  });
});
