/**
 * A certificate is changed in the middle of a run: what is sent next goes with the new one, over connections of its
 * own.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CredentialCache } from '../../src/credentials/credential-cache.js';
import { CredentialGateways } from '../../src/credentials/credential-gateways.js';
import { FolderStore } from '../../src/credentials/kinds/folder-store.js';
import { NewCredential } from '../../src/credentials/kinds/new-credential.js';
import { APNs, Message, Session } from '../../src/index.js';
import { startSimulator, ThrowAwayAuthority } from '../../src/simulator/index.js';
import { production, until } from '../credentials/kinds/store-contract.js';

const { app } = production;
const message = new Message([], { alert: 'Hello', topic: app });
const tokensFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => (first + at).toString(16).padStart(64, '0'));

for (const threads of [0, 1]) {
  describe(`a certificate that is changed in mid-run, threads: ${threads}`, () => {
    it('is used for what is sent next, while old connections end their work and drain', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'peal-'));
      const authority = new ThrowAwayAuthority();
      const auth = { auth: 'certificate', clientCa: authority.certificate, topics: [app] } as const;
      await using simulator = await startSimulator({ ...auth, ledger: 'full' });
      await using session = new Session({ threads, ca: simulator.caCertificate! });
      const store = new FolderStore(folder);
      const certificate = (of = app): NewCredential =>
        new NewCredential({ ...production, credential: authority.issueClient(of), gateway: simulator.url! });
      const cache = new CredentialCache(store);
      const gateways = new CredentialGateways(session, cache);
      const gatewayOf = () => gateways.gatewayOf(app, 'production');
      /** Waits until the gateway is another one. Nothing tells the session of the change but the store. */
      const changedTo = async (credential: NewCredential): Promise<void> => {
        await store.put(credential);
        await until(async () => (await gatewayOf()).credential.fingerprint === credential.summary.fingerprint);
      };
      const connectionsOf = (tokens: readonly string[]): ReadonlySet<number> => {
        const wanted = new Set(tokens);
        return new Set(
          simulator.ledger
            .received()
            .filter(({ token }) => wanted.has(token!))
            .map((one) => one.connection),
        );
      };
      try {
        const [first, second] = [certificate(), certificate()];
        await store.put(first);
        const [early, late, after] = [tokensFrom(0, 500), tokensFrom(500, 500), tokensFrom(1000, 700)];
        let goOn = (): void => {};
        const isChanged = new Promise<void>((resolve) => {
          goOn = resolve;
        });
        const recipients = (async function* () {
          yield* early;
          await isChanged;
          yield* late;
        })();
        const old = await gatewayOf();
        assert.equal(old.credential.fingerprint, first.summary.fingerprint);
        const running = new APNs(old).send(message, { recipients });
        await until(() => simulator.ledger.summary().accepted >= 400);

        await changedTo(second);
        const next = await gatewayOf();
        assert.equal(next, await gatewayOf());
        const sent = await new APNs(next).send(message, { recipients: after });
        goOn();
        const ended = await running;
        assert.deepEqual([ended.counts.accepted, sent.counts.accepted], [1000, 700]);
        assert.equal(simulator.ledger.summary().duplicates, 0);
        const [before, since] = [connectionsOf([...early, ...late]), connectionsOf(after)];
        assert.deepEqual(
          [...before].filter((connection) => since.has(connection)),
          [],
        );

        await until(() => next.closeIdle(3_600_000) > 0 && old.closeIdle(3_600_000) === 0);

        // The certificate of another app is refused for this one, so that it is what the gateway was shown.
        await changedTo(certificate('com.example.other'));
        const { counts, failed } = await new APNs(await gatewayOf()).send(message, {
          recipients: tokensFrom(2000, 3),
        });
        assert.deepEqual([counts.accepted, counts.rejected], [0, 3], JSON.stringify(failed));

        await store.remove(production, null);
        await until(() =>
          gatewayOf().then(
            () => false,
            (error: Error) =>
              /^There is no credential of com\.example\.app \(production\) in file:/.test(error.message),
          ),
        );
        await until(async () => (await session.stats()).connections === 0);
      } finally {
        gateways.close();
        cache.close();
        await store.close();
        rmSync(folder, { recursive: true });
      }
    });
  });
}
