/**
 * Several provider keys of one team in one process: each has connections of its own, and what a key is not for is
 * answered as Apple documents it, and stops only what was sent with that key.
 */
import assert from 'node:assert/strict';
import { APNs, Message, Session, type Simulator, type SimulatorOptions, startSimulator } from '../../src/index.js';
import { createThrowAwayProviderKey, type ThrowAwayProviderKey } from '../../src/simulator/index.js';

const app = 'com.example.app';
const other = 'com.example.other';
const teamId = 'TEAM000001';
const first = createThrowAwayProviderKey('FIRSTKEY01', teamId);
const second = createThrowAwayProviderKey('SECONDKEY2', teamId);
const tokens = Array.from({ length: 200 }, (_, index) => (0xa0000000 + index).toString(16).padStart(64, '0'));
const credentialOf = ({ p8, keyId }: ThrowAwayProviderKey) => ({ key: p8, keyId, teamId });

for (const threads of [0, 2]) {
  describe(`provider keys of one team, ${threads} threads`, () => {
    let simulator: Simulator;
    let session: Session;

    async function start(options: SimulatorOptions): Promise<void> {
      simulator = await startSimulator({ auth: 'token', providerKeys: [first, second], maxStreams: 10, ...options });
      session = new Session({ ca: simulator.caCertificate!, threads });
    }

    afterEach(async () => {
      await session.close();
      await simulator.close();
    });

    const senderWith = (key: ThrowAwayProviderKey): APNs =>
      new APNs(session.getConnection(simulator.url, credentialOf(key)));
    const sendWith = (key: ThrowAwayProviderKey, topic = app) =>
      senderWith(key).send(new Message(tokens, { topic, alert: 'Hi' }));

    for (const [name, keys] of [
      ['the first before the second', [first, second]],
      ['the second before the first', [second, first]],
    ] as const) {
      it(`gives each key connections of its own: ${name}`, async () => {
        await start({});
        for (const key of keys) assert.equal((await sendWith(key)).accepted, tokens.length);
        const [one, two] = await Promise.all(keys.map((key) => sendWith(key)));
        assert.deepEqual([one!.accepted, two!.accepted], [tokens.length, tokens.length]);
        const { accepted, reasons } = simulator.ledger.summary();
        assert.equal(accepted, 4 * tokens.length);
        assert.deepEqual(reasons, {}, 'no connection has seen the tokens of two keys');
      });

      it(`stops what was sent with a key of the other environment, and nothing else: ${name}`, async () => {
        await start({ environment: 'production', providerKeys: [{ ...first, environment: 'sandbox' }, second] });
        const results = new Map(await Promise.all(keys.map(async (key) => [key, await sendWith(key)] as const)));
        assert.equal(results.get(second)!.accepted, tokens.length);
        const refused = results.get(first)!;
        assert.equal(refused.accepted, 0);
        assert.equal(refused.counts.rejected + refused.counts.unsent, tokens.length);
        assert.match(refused.stopped?.message ?? '', /BadEnvironmentKeyIdInToken/);
        assert.ok(refused.counts.rejected < tokens.length, 'ended early');
        const push = await senderWith(first).push(Message.forPush({ topic: app, alert: 'Hi' }), tokens[0]!);
        assert.deepEqual([push.status, push.reason], [403, 'BadEnvironmentKeyIdInToken']);
        assert.equal(push.attempts, 1, 'it is not tried again');
      });

      it(`is answered TopicDisallowed outside of the topics of a key: ${name}`, async () => {
        await start({
          providerKeys: [
            { ...first, topics: [app] },
            { ...second, topics: [other] },
          ],
        });
        for (const key of keys) {
          const [own, foreign] = key === first ? [app, other] : [other, app];
          assert.equal((await sendWith(key, own)).accepted, tokens.length);
          const refused = await sendWith(key, foreign);
          assert.equal(refused.accepted, 0);
          assert.deepEqual([...refused.reasons.keys()], ['TopicDisallowed']);
          assert.match(refused.stopped?.message ?? '', /TopicDisallowed/);
          assert.ok(refused.counts.rejected < tokens.length, 'ended early');
          assert.equal((await sendWith(key, own)).accepted, tokens.length, 'the key goes on with its own topic');
        }
      });
    }
  });
}
