/** Parsing server output: the apns-id of a request comes back with its answer, or is flagged. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { APNs, Message, Session } from '../../src/index.js';
import { Http2Gateway } from '../support/http2-gateway.js';
import { LogRecord } from './canaries.js';

describe('security: the apns-id of an answer', () => {
  for (const threads of [0, 1]) {
    it(`parsing server output: another one than was sent is warned of, with ${threads} threads`, async () => {
      const token = 'ab'.repeat(32);
      const [sent, other] = [randomUUID(), randomUUID()];
      let echoed = sent;
      const gateway = await Http2Gateway.open({
        answer: () => ({ status: 410, headers: { 'apns-id': echoed }, body: '{"reason":"Unregistered"}' }),
      });
      const record = new LogRecord();
      const warnings = (): string[] => record.lines.filter((line) => line.startsWith('warn'));
      const session = new Session({ ca: gateway.ca, logger: record.logger, threads });
      try {
        const url = `https://127.0.0.1:${gateway.address.port}`;
        const apns = new APNs(session.getConnection(url, null));
        const send = () => apns.send(new Message([{ token, apnsId: sent }], { alert: 'Hello' }));
        await send();
        assert.deepEqual(warnings(), []);
        echoed = other;
        const result = await send();
        assert.equal(result.failed.get(token)?.apnsId, other);
      } finally {
        await session.shutdown();
        await gateway.close();
      }
      const [warning = '', ...more] = warnings();
      assert.deepEqual(more, []);
      assert.match(warning, /answer with the apns-id of another request/);
      assert.ok(warning.includes(other) && warning.includes(sent.replaceAll('-', '')), warning);
    });
  }
});
