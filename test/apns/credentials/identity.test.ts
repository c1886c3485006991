/** Which certificate is used, where files hold several certificates and keys. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type CredentialOptions, loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { readPkcs12 } from '../../../src/apns/credentials/pkcs12.js';
import type { PealError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/log.js';
import type { CertificateCredential } from '../../../src/push/credentials/credential.js';
import { type CertificatePair, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { certificate, privatePem, subject } from '../../support/certificate-chain.js';
import { hasOpenssl, joinPkcs12, makePkcs12 } from '../../support/pkcs12.js';

const dayMs = 24 * 3_600_000;
const authority = new ThrowAwayAuthority();
const shop = authority.issueClient('com.example.shop');
const news = authority.issueClient('com.example.news');
const passphrase = 'correct horse';
const fingerprint = ({ cert }: { readonly cert: string }): string =>
  new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();

function refused(options: CredentialOptions, message: RegExp): void {
  assert.throws(
    () => loadCredential(options),
    (error: PealError) => {
      assert.equal(error.code, 'ERR_PEAL_CREDENTIAL', error.stack);
      assert.match(error.message, message);
      assert.match(error.message, /^The |^None /);
      return true;
    },
  );
}

function shuffles(parts: readonly string[]): string[] {
  if (parts.length < 2) return [parts.join('')];
  return parts.flatMap((part, index) => shuffles(parts.toSpliced(index, 1)).map((rest) => part + rest));
}

describe('apns/credentials/identity', () => {
  describe('PEM', () => {
    it('finds the pair in any order, among other certificates', () => {
      for (const cert of shuffles([authority.certificate, shop.cert, news.cert, shop.key])) {
        const credential = loadCredential({ cert });
        assert.equal(credential.fingerprint, fingerprint(shop));
        assert.match(credential.subject!, /UID=com\.example\.shop/);
        const data = credential.data as CertificateCredential;
        const [first, ...chain] = data.cert!.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)!;
        assert.equal(fingerprint({ cert: first! }), fingerprint(shop));
        assert.deepEqual(
          chain.map((one) => new X509Certificate(one).fingerprint256),
          [new X509Certificate(authority.certificate).fingerprint256],
        );
        assert.ok(new X509Certificate(first!).checkPrivateKey(createPrivateKey(data.key!)));
      }
    });

    it('puts a chain of several in its order, and leaves strangers out', () => {
      const [root, middle, leaf] = [subject('root'), subject('middle'), subject('leaf')];
      const parts = [
        certificate(root, root, 'authority'),
        certificate(middle, root, 'authority'),
        certificate(leaf, middle, 'server'),
      ];
      for (const cert of shuffles([...parts, news.cert])) {
        const { cert: used } = loadCredential({ cert, key: privatePem(leaf) }).data as CertificateCredential;
        assert.equal(used, [parts[2], parts[1], parts[0]].join(''));
      }
    });

    it('finds the key among several, also where another one cannot be opened', () => {
      const locked = createPrivateKey(news.key).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-128-cbc',
        passphrase,
      });
      for (const key of shuffles([news.key, shop.key])) {
        assert.equal(loadCredential({ cert: shop.cert, key }).fingerprint, fingerprint(shop));
      }
      assert.equal(loadCredential({ cert: `${shop.cert}${locked}${shop.key}` }).fingerprint, fingerprint(shop));
      refused({ cert: `${shop.cert}${locked}` }, /encrypted private key: give its passphrase/);
    });

    it('says how many there are where none fits', () => {
      refused(
        { cert: shop.cert + news.cert, key: authority.issueClient('x').key },
        /does not belong to any of the 2 cert/,
      );
      const keys = news.key + authority.issueClient('x').key;
      refused(
        { cert: shop.cert, key: keys },
        /^None of the 2 private keys belongs to the certificate \(the option cert; the/,
      );
    });

    it('takes the renewed one of two certificates for one key and name', () => {
      const [root, server] = [subject('root'), subject('push')];
      const [expired, usual, renewed] = [-1, 40, 80].map((days) =>
        certificate(server, root, 'server', new Date(Date.now() + days * dayMs)),
      );
      for (const cert of shuffles([usual!, renewed!, expired!])) {
        assert.equal(loadCredential({ cert, key: privatePem(server) }).fingerprint, fingerprint({ cert: renewed! }));
      }
      refused({ cert: expired!, key: privatePem(server) }, /certificate that expired on/);
    });
  });

  describe('several identities', () => {
    const both = `${shop.key}${shop.cert}${news.key}${news.cert}`;

    it('are refused with their names, unless one of them is named', () => {
      refused(
        { cert: both },
        /The option cert holds 2 certificates with their keys \("Apple Push Services: com\.example\.shop", "Apple Push Services: com\.example\.news"\): name one of them with the option identity\./,
      );
      refused({ cert: both, identity: 'com.example.other' }, /holds no certificate that fits .*it has "Apple Push/);
      refused({ cert: shop.cert, key: shop.key, identity: 'com.example.news' }, /holds no certificate that fits/);
      refused({ cert: both, identity: '' }, /option identity must be the name/);
      for (const [identity, expected] of namesOf()) {
        assert.equal(loadCredential({ cert: both, identity }).fingerprint, fingerprint(expected), identity);
      }
    });

    function* namesOf(): Generator<[string, CertificatePair]> {
      for (const pair of [shop, news]) {
        const parsed = new X509Certificate(pair.cert);
        const topic = pair === shop ? 'com.example.shop' : 'com.example.news';
        yield [`Apple Push Services: ${topic}`, pair];
        yield [topic.toUpperCase(), pair];
        yield [parsed.fingerprint256, pair];
        yield [parsed.fingerprint.replaceAll(':', '').toLowerCase(), pair];
        yield [parsed.subject.replaceAll('\n', ', '), pair];
      }
    }

    describe('in PKCS#12', () => {
      before(function () {
        if (!hasOpenssl()) this.skip();
      });

      for (const [name, options] of [
        ['AES', []],
        ['3DES', ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
        ['AES and SHA-512', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'sha512']],
        ['no encryption of certificates', ['-certpbe', 'NONE']],
        ['no encryption at all', ['-certpbe', 'NONE', '-keypbe', 'NONE']],
      ] as const) {
        it(`are refused, or the one that is named is taken: ${name}`, () => {
          const [one, two] = [shop, news].map((pair) => makePkcs12({ ...pair, passphrase, options }));
          assert.equal(readPkcs12(one!, passphrase)!.keys.length, 1);
          assert.equal(readPkcs12(one!, 'wrong')?.keys.length ?? 0, name === 'no encryption at all' ? 1 : 0);
          const pfx = joinPkcs12(passphrase, one!, two!);
          refused(
            { pfx, passphrase },
            /option pfx holds 2 certificates with their keys .*"Apple Push Services: com\.example\.news"/,
          );
          for (const [identity, expected] of namesOf()) {
            const credential = loadCredential({ pfx, passphrase, identity });
            assert.equal(credential.fingerprint, fingerprint(expected), identity);
            const { cert, key } = credential.data as CertificateCredential;
            assert.ok(new X509Certificate(cert!).checkPrivateKey(createPrivateKey(key!)));
          }
          refused({ pfx: one!, passphrase, identity: 'com.example.news' }, /holds no certificate that fits/);
          assert.equal(
            loadCredential({ pfx: one!, passphrase, identity: 'com.example.shop' }).fingerprint,
            fingerprint(shop),
          );
        });
      }

      it('are found where the passphrase is empty or not of ASCII', () => {
        for (const secret of ['', 'pässwörd€ and a long tail that fills more than one block of a digest']) {
          const options = ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES'];
          const files = [shop, news].map((pair) => makePkcs12({ ...pair, passphrase: secret, options }));
          assert.equal(readPkcs12(files[0]!, secret)?.keys.length, 1, secret);
          refused({ pfx: joinPkcs12(secret, ...files), passphrase: secret }, /holds 2 certificates/);
        }
      });

      it('comes as base64, too, and in the wrong encoding is told so', () => {
        const pfx = makePkcs12({ ...shop, passphrase });
        const base64 = pfx.toString('base64');
        for (const form of [
          base64,
          base64.replace(/.{64}/g, '$&\n'),
          Buffer.from(`${base64}\n`),
          pfx.toString('latin1'),
        ]) {
          assert.equal(loadCredential({ pfx: form, passphrase }).fingerprint, fingerprint(shop));
        }
        refused({ pfx: base64.slice(0, 400), passphrase }, /base64 of a PKCS#12 file that is cut off/);
        refused({ pfx: '', passphrase }, /option pfx is empty/);
        refused({ cert: pfx, passphrase }, /is PKCS#12 \(\.p12\), not PEM: give it as option pfx/);
      });
    });
  });

  it('says at level info whose certificate is in use', () => {
    const lines: object[] = [];
    const log = { ...silentLogger, info: (fields: object, message: string) => lines.push({ ...fields, message }) };
    const forms: CredentialOptions[] = [shop, { cert: shop.cert + shop.key }];
    if (hasOpenssl()) forms.push({ pfx: makePkcs12({ ...shop, passphrase }), passphrase });
    for (const form of forms) {
      lines.length = 0;
      const { expiresAt } = loadCredential(form, { log });
      assert.deepEqual(lines, [
        {
          message: 'client certificate loaded',
          subject: 'UID=com.example.shop, CN=Apple Push Services: com.example.shop',
          fingerprint: fingerprint(shop),
          expiresAt: expiresAt!.toISOString(),
        },
      ]);
    }
  });
});
