import assert from 'node:assert/strict';
import type { PealErrorCode } from '../../src/base/errors.js';
import { hostAndPort, streamError, timeoutError } from '../../src/transport/tls-errors.js';

const address = { protocol: 'http2', host: 'gateway.example', port: 2197 } as const;
const connecting = { address, isOpen: false, hasCa: false, hasCertificate: false, alpnProtocol: 'h2' };

function errorFor(code: string, state: Partial<typeof connecting> = {}) {
  return streamError(Object.assign(new Error('whatever'), { code }), { ...connecting, ...state });
}

describe('transport/tls-errors', () => {
  const table: [code: string, expected: PealErrorCode, retryable: boolean][] = [
    ['ECONNREFUSED', 'ERR_PEAL_CONNECT', true],
    ['ERR_ACCESS_DENIED', 'ERR_PEAL_CONNECT', false],
    ['ENETUNREACH', 'ERR_PEAL_CONNECT', true],
    ['EHOSTUNREACH', 'ERR_PEAL_CONNECT', true],
    ['ECONNRESET', 'ERR_PEAL_CONNECT', true],
    ['ETIMEDOUT', 'ERR_PEAL_CONNECT_TIMEOUT', true],
    ['ENOTFOUND', 'ERR_PEAL_RESOLVE', true],
    ['EAI_AGAIN', 'ERR_PEAL_RESOLVE', true],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_PEAL_TLS', false],
    ['UNSPECIFIED', 'ERR_PEAL_TLS', false],
    ['CERT_HAS_EXPIRED', 'ERR_PEAL_TLS', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_PEAL_TLS', false],
    ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'ERR_PEAL_ALPN', false],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'ERR_PEAL_TLS', false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_PEAL_TLS', false],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'ERR_PEAL_TLS', false],
    ['', 'ERR_PEAL_CONNECT', true],
  ];
  for (const [code, expected, retryable] of table) {
    it(`makes ${expected} of ${code || 'an error without a code'}`, () => {
      const error = errorFor(code);
      assert.equal(error.code, expected);
      assert.equal(error.retryable, retryable);
      assert.match(error.message, /gateway\.example/);
    });
  }

  const alerts = [
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  ];
  for (const code of alerts) {
    it(`makes a fault of the credential of ${code}, also when it comes late`, () => {
      for (const isOpen of [false, true]) {
        const refused = errorFor(code, { isOpen, hasCertificate: true });
        assert.deepEqual([refused.code, refused.origin, refused.retryable], ['ERR_PEAL_TLS', 'credential', false]);
        assert.match(refused.message, /refused the client certificate/);
        assert.match(errorFor(code, { isOpen }).message, /asks for a client certificate and none was given/);
      }
    });
  }

  it('tells an end of a working stream from a failure to connect', () => {
    const error = errorFor('ECONNRESET', { isOpen: true });
    assert.deepEqual([error.code, error.retryable], ['ERR_PEAL_CLOSED', true]);
  });

  it('names what several addresses have in common', () => {
    const errors = [
      { code: 'ETIMEDOUT', message: '' },
      { code: 'ECONNREFUSED', message: '' },
    ];
    const error = streamError(Object.assign(new AggregateError(errors), { code: 'ETIMEDOUT' }), connecting);
    assert.equal(error.code, 'ERR_PEAL_CONNECT');
  });

  it('says in words what Node has no code for', () => {
    const error = streamError(
      Object.assign(new Error('EE certificate key too weak'), { code: 'UNSPECIFIED' }),
      connecting,
    );
    assert.match(error.message, /is not trusted \(EE certificate key too weak\)/);
  });

  it('does not pass on what a certificate says without cleaning it', () => {
    const error = streamError(
      Object.assign(new Error(''), {
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
        cert: { subjectaltname: `DNS:evil\u001b[2J\n${'x'.repeat(500)}` },
      }),
      connecting,
    );
    assert.ok(/^[\x20-\x7e]+$/.test(error.message) && error.message.length < 400, error.message);
  });

  it('writes addresses as people do', () => {
    assert.equal(hostAndPort({ ...address, host: '::1' }), '[::1]:2197');
    assert.match(timeoutError(address, 123).message, /gateway\.example:2197 .* 123 ms/);
  });
});
