/**
 * Sender: node:http2 as a careful program uses it by hand. One connection, as many requests at a time as the gateway
 * allows with the others in a line, the provider token made once, answers drained and only their status looked at.
 */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { loadCredential } from '../../src/apns/credentials/load-credential.js';
import { providerTokens } from '../../src/apns/credentials/provider-token.js';
import type { OpenSender } from './sender.js';

interface Waiting {
  readonly token: string;
  readonly payload: string;
  readonly resolve: (isAccepted: boolean) => void;
  readonly reject: (error: Error) => void;
}

export const open: OpenSender = async ({ target }) => {
  const { url, topic, ca, keyFile, keyId, teamId } = target;
  const credential = loadCredential({ key: { file: keyFile }, keyId, teamId });
  const authorization = `bearer ${providerTokens.minterFor(credential).current().token}`;
  // maxSessionMemory in megabytes: with its default of 10, node drops answers under load.
  const session = connect(url, { ca, maxSessionMemory: 1000 });
  await once(session, 'remoteSettings');
  const limit = Math.min(1000, session.remoteSettings.maxConcurrentStreams ?? 100);
  const line: Waiting[] = [];
  let head = 0;
  let inFlight = 0;

  function begin({ token, payload, resolve, reject }: Waiting): void {
    inFlight++;
    const stream = session.request({
      ':method': 'POST',
      ':path': `/3/device/${token}`,
      authorization,
      'apns-topic': topic,
      'apns-push-type': 'alert',
    });
    let status: number | undefined;
    stream.on('response', (headers) => {
      status = headers[':status'];
      stream.resume();
    });
    stream.on('error', reject);
    stream.on('close', () => {
      inFlight--;
      resolve(status === 200);
      next();
    });
    stream.end(payload);
  }

  function next(): void {
    while (inFlight < limit && head < line.length) begin(line[head++]!);
    if (head < line.length) return;
    line.length = 0;
    head = 0;
  }

  const sendOne = (token: string, alert: string): Promise<boolean> =>
    new Promise((resolve, reject) => {
      line.push({ token, payload: JSON.stringify({ aps: { alert } }), resolve, reject });
      next();
    });
  const sendEach = async (tokens: readonly string[], alerts: readonly string[]): Promise<number> =>
    (await Promise.all(tokens.map((token, index) => sendOne(token, alerts[index]!)))).filter(Boolean).length;
  return {
    sendOne,
    sendEach,
    sendAll: (tokens, alert) => sendEach(tokens, Array(tokens.length).fill(alert)),
    close: async () => session.close(),
  };
};
