import assert from 'node:assert/strict';
import { type AddressInput, parseAddress } from '../../src/apns/address.js';
import { addressUrl, authority } from '../../src/push/address.js';

const refused = (input: unknown, message: RegExp) =>
  assert.throws(() => parseAddress(input as AddressInput), { code: 'ERR_PEAL_ADDRESS', origin: 'usage', message });

describe('apns/address', () => {
  it('knows the gateways by name', () => {
    assert.deepEqual(parseAddress('api_production'), { protocol: 'http2', host: 'api.push.apple.com', port: 443 });
    for (const name of ['sandbox', 'development', 'api_development']) {
      assert.deepEqual(parseAddress(name), parseAddress('api_sandbox'));
    }
    assert.deepEqual(parseAddress('production'), parseAddress('api_production'));
    assert.deepEqual(parseAddress('api_sandbox'), { protocol: 'http2', host: 'api.sandbox.push.apple.com', port: 443 });
  });

  it('reads URLs, with and without port, and pairs', () => {
    assert.deepEqual(parseAddress('https://localhost:8443'), { protocol: 'http2', host: 'localhost', port: 8443 });
    assert.deepEqual(parseAddress('https://api.push.apple.com:2197/').port, 2197);
    assert.equal(parseAddress('https://gateway.example').port, 443);
    assert.deepEqual(parseAddress(['127.0.0.1', 2197]), { protocol: 'binary', host: '127.0.0.1', port: 2197 });
    assert.deepEqual(parseAddress(['Gateway.example', 443]).host, 'gateway.example');
  });

  it('holds IPv6 addresses without brackets and writes them with', () => {
    const address = parseAddress('https://[::1]:8443');
    assert.deepEqual(address, { protocol: 'http2', host: '::1', port: 8443 });
    assert.deepEqual(parseAddress(['::1', 8443]), { ...address, protocol: 'binary' });
    assert.deepEqual(parseAddress(['[::1]', 8443]), { ...address, protocol: 'binary' });
    assert.deepEqual(parseAddress('binary://[::1]'), { protocol: 'binary', host: '::1', port: 2195 });
    assert.equal(authority(address), '[::1]:8443');
  });

  it('leaves the port out of the authority where it is the usual one', () => {
    assert.equal(authority(parseAddress('api_production')), 'api.push.apple.com');
    assert.equal(authority(parseAddress('https://localhost:8443')), 'localhost:8443');
  });

  it('knows the gateways of the binary protocol by name, spelt as Apple spelt them', () => {
    const expected = {
      push_production: 'binary://gateway.push.apple.com:2195',
      push_sandbox: 'binary://gateway.sandbox.push.apple.com:2195',
      feedback_production: 'feedback://feedback.push.apple.com:2196',
      feedback_sandbox: 'feedback://feedback.sandbox.push.apple.com:2196',
    };
    for (const [name, url] of Object.entries(expected)) {
      assert.equal(addressUrl(parseAddress(name)), url);
      assert.deepEqual(parseAddress(url), parseAddress(name));
    }
    assert.equal(addressUrl(parseAddress('api_sandbox')), 'https://api.sandbox.push.apple.com');
  });

  it('gives URLs of each protocol their usual port, and takes the port that is named', () => {
    assert.deepEqual(parseAddress('binary://Rig.example'), { protocol: 'binary', host: 'rig.example', port: 2195 });
    assert.deepEqual(parseAddress('feedback://rig.example').port, 2196);
    assert.equal(parseAddress('BINARY://rig.example:443').port, 443);
    assert.equal(parseAddress('feedback://rig.example:80/').port, 80);
    refused('binary://rig.example:0', /1 to 65535/);
    refused('binary://user@rig.example', /neither path/);
    refused('push_producton', /push_production/);
  });

  it('refuses everything else and says what is allowed', () => {
    const allowed = /api_production, api_sandbox, https:\/\/host:port, .*binary:\/\/host:port, .*\[host, port\]/;
    for (const text of [
      '',
      'staging',
      'localhost',
      'localhost:8443',
      'https://',
      'ftp://x',
      'constructor',
      '__proto__',
    ]) {
      refused(text, allowed);
    }
    refused('http://localhost', /TLS only/);
    refused('https://host/3/device', /neither path/);
    refused('https://host?x', /neither path/);
    refused('https://host:0', /1 to 65535/);
    refused('https://host:70000', allowed);
    for (const pair of [
      ['host', 0],
      ['host', 65536],
      ['host', '443'],
      ['host', 1.5],
    ])
      refused(pair, /1 to 65535/);
    for (const pair of [
      ['', 443],
      ['a b', 443],
      ['a/b', 443],
      ['a:b', 443],
      ['u@h', 443],
      ['h\r\nx', 443],
    ])
      refused(pair, allowed);
    refused(['host'], allowed);
    refused(null, allowed);
    refused(443, allowed);
  });

  it('does not repeat a password that stood in a URL', () => {
    assert.throws(
      () => parseAddress('https://user:hunter2@host'),
      (error: Error) => !error.message.includes('hunter2'),
    );
    assert.throws(
      () => parseAddress('xhttps://user:hunter2@ho st'),
      (error: Error) => !error.message.includes('hunter2'),
    );
  });
});
