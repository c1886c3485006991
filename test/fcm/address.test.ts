import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import { checkProject, parseFcmAddress } from '../../src/fcm/address.js';
import { addressUrl } from '../../src/push/address.js';

const told = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof PealError, String(error));
    return `${error.code} ${error.message}`;
  }
  return 'nothing';
};

describe('fcm/address', () => {
  const google = { protocol: 'fcm', host: 'fcm.googleapis.com', port: 443, project: 'my-app' };
  const local = (host: string, port: number) => ({ ...google, host, port });
  const rows = [
    ['fcm', 'my-app', google],
    ['https://fcm.googleapis.com', 'my-app', google],
    ['fcm://fcm.googleapis.com', 'my-app', google],
    ['fcm://fcm.googleapis.com/my-app', undefined, google],
    ['FCM://localhost:8443/my-app/', 'my-app', local('localhost', 8443)],
    ['fcm://127.0.0.1:8443', 'projects/my-app', local('127.0.0.1', 8443)],
    ['fcm://[::1]:8443', ' "my-app"\n', local('::1', 8443)],
  ] as const;
  for (const [text, project, expected] of rows) {
    it(`reads ${text} with ${String(project)}`, () => {
      assert.deepEqual(parseFcmAddress(text, project), expected);
      assert.deepEqual(parseFcmAddress(addressUrl(parseFcmAddress(text, project))), expected, 'its own URL');
    });
  }

  const refused = [
    ['', 'my-app', /ADDRESS The address "" is not known: give fcm, or fcm:\/\/host:port/],
    ['fmc', 'my-app', /ADDRESS The address "fmc" is not known/],
    ['http://localhost', 'my-app', /ADDRESS FCM is spoken over TLS only/],
    ['https://localhost:8443', 'my-app', /ADDRESS The address "https:\/\/localhost:8443" is not Google's/],
    ['fcm://user:secret@localhost', 'my-app', /ADDRESS An address has neither query, fragment nor user name/],
    ['fcm://localhost:0', 'my-app', /ADDRESS The port/],
    ['fcm://local host', 'my-app', /ADDRESS The address/],
    ['fcm://localhost/other', 'my-app', /ADDRESS The address names the project "other"/],
    ['fcm', undefined, /OPTION The option project is missing: give the project id/],
    ['fcm', '', /OPTION The option project is missing/],
    ['fcm', 'my app', /OPTION The option project is not the id of a project/],
    ['fcm', '../x', /OPTION The option project is not the id of a project/],
    ['fcm', 'a'.repeat(101), /OPTION The option project is not the id of a project/],
  ] as const;
  for (const [text, project, expected] of refused) {
    it(`refuses ${text} with ${String(project).slice(0, 20)}`, () => {
      const sentence = told(() => parseFcmAddress(text, project));
      assert.match(sentence, expected);
      assert.doesNotMatch(sentence, /secret/);
    });
  }

  it('takes ids of projects of a domain, and numbers', () => {
    for (const id of ['example.com:my-app', '123456789012', 'my-app-1a2b3']) assert.equal(checkProject(id), id);
  });
});
