/**
 * Personal messages as a program sends them: what arrives at the gateway, who is invalid, and which row an outcome
 * belongs to.
 */
import assert from 'node:assert/strict';
import {
  APNs,
  Message,
  Outcome,
  type ReceivedRequest,
  RowBatch,
  Rows,
  Session,
  scriptedToken,
  startSimulator,
  Template,
  TokenBlock,
} from '../../src/index.js';

const tokens = Array.from({ length: 600 }, (_, index) =>
  scriptedToken(index === 7 ? 'Unregistered' : 'accepted', index),
);
const rows = new Rows(new TokenBlock(Buffer.from(tokens.join(''), 'hex'), 32, tokens.length), {
  id: Int32Array.from(tokens, (_, index) => 1000 + index),
  name: tokens.map((_, index) => (index === 3 ? null : `Zoë "${index}"`)),
  locale: tokens.map((_, index) => (index % 2 === 0 ? 'de' : 'en')),
});
const personal = new Template({
  payload: { aps: { alert: 'Hello {{name}}', badge: '{{id:number}}' } },
  variants: { de: { aps: { alert: 'Hallo {{name}}' } } },
  variantColumn: 'locale',
  collapseId: 'c{{id}}',
});

for (const threads of [0, 1]) {
  describe(`personal messages, threads: ${threads}`, () => {
    it('say to each recipient what its row says, and tell the row of each outcome', async () => {
      const requests = new Map<string, ReceivedRequest>();
      await using simulator = await startSimulator({
        controlPort: null,
        onRequest: (request) => void requests.set(request.token ?? '', request),
      });
      await using session = new Session({ ca: simulator.caCertificate!, threads });
      const apns = new APNs(session.getConnection(simulator.url, null));
      const outcomes = new Map<string, number>();
      const invalid: unknown[] = [];
      const message = new Message([], { topic: 'com.example.app' });
      const { counts } = await apns.send(message, {
        recipients: [rows],
        personal,
        onInvalid: (recipient) => invalid.push(recipient),
        outcomes: {
          settled({ batch, ledger }) {
            assert.ok(batch instanceof RowBatch);
            const idOf = (index: number): string => batch.rows.text(batch.rowOf(index), 'id')!;
            ledger.forEach((outcome, index) => void outcomes.set(idOf(index), outcome));
          },
        },
      });
      assert.deepEqual([counts.accepted, counts.rejected, counts.invalid], [598, 1, 1]);
      const why = 'has no name, and the template has no default for it';
      assert.deepEqual(invalid, [{ index: 3, text: tokens[3], why }]);
      assert.equal(requests.size, 599);
      assert.deepEqual(JSON.parse(requests.get(tokens[4]!)!.payload), { aps: { alert: 'Hallo Zoë "4"' } });
      const english = { aps: { alert: 'Hello Zoë "5"', badge: 1005 } };
      assert.deepEqual(JSON.parse(requests.get(tokens[5]!)!.payload), english);
      assert.equal(requests.get(tokens[5]!)!.headers['apns-collapse-id'], 'c1005');
      assert.equal(outcomes.size, 599);
      assert.ok(outcomes.get('1007')! >= Outcome.rejected);
      assert.equal(outcomes.get('1008'), Outcome.accepted);
    });
  });
}

describe('personal messages', () => {
  it('are kept by what a send leaves, so that a retry says the same', async () => {
    const requests: ReceivedRequest[] = [];
    await using simulator = await startSimulator({ controlPort: null, onRequest: (request) => requests.push(request) });
    await using session = new Session({ ca: simulator.caCertificate! });
    const apns = new APNs(session.getConnection(simulator.url, null));
    const message = new Message([], { topic: 'com.example.app' });
    const aborted = AbortSignal.abort();
    const options = { recipients: [rows], personal, signal: aborted, afterStop: 'unsent' } as const;
    const result = await apns.send(message, options);
    assert.deepEqual([result.unsent.length, requests.length], [599, 0]);
    const again = await apns.send(message, { recipients: [result.unsent] });
    assert.deepEqual([again.accepted, again.failed.size], [598, 1]);
    const payload = requests.find(({ token }) => token === tokens[4])!.payload;
    assert.deepEqual(JSON.parse(payload), { aps: { alert: 'Hallo Zoë "4"' } });
  });
});
