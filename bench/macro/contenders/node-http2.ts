/**
 * Contender: node:http2 as a careful program uses it. One connection, as many requests in flight as the gateway allows,
 * one function for all events, answers drained and only their status looked at, nothing allocated that can be shared.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { providerTokens } from '../../../src/apns/credentials/provider-token.js';
import { measured } from '../../lib/usage.js';
import { payloadOf, randomTokens, readTask, tokenBytes, writeOutcome } from './contender.js';

const { target, count, warmUp, payloadBytes } = readTask();
const { url, topic, ca, keyFile, keyId, teamId } = target;
const credential = loadCredential({ key: { file: keyFile }, keyId, teamId });
const authorization = `bearer ${providerTokens.minterFor(credential).current().token}`;
const payload = payloadOf(payloadBytes);
// maxSessionMemory in megabytes: with its default of 10, node drops answers under load.
const session: ClientHttp2Session = connect(url, { ca, maxSessionMemory: 1000 });
await once(session, 'remoteSettings');

let accepted = 0;

/** Sends to all tokens; resolves when the last answer is in. */
function send(tokens: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let done = 0;
    let inFlight = 0;
    const total = tokens.length / tokenBytes;
    session.once('error', reject);
    session.on('remoteSettings', fill);
    fill();

    function fill(): void {
      const limit = Math.min(1000, session.remoteSettings.maxConcurrentStreams ?? 100);
      while (inFlight < limit && next < total) {
        const start = next++ * tokenBytes;
        const stream = session.request({
          ':method': 'POST',
          ':path': `/3/device/${tokens.toString('hex', start, start + tokenBytes)}`,
          authorization,
          'apns-topic': topic,
          'apns-push-type': 'alert',
        });
        stream.on('response', onResponse);
        stream.on('close', onClose);
        stream.on('error', reject);
        stream.end(payload);
        inFlight++;
      }
    }

    function onResponse(this: ClientHttp2Stream, headers: IncomingHttpHeaders & { ':status'?: number }): void {
      if (headers[':status'] === 200) accepted++;
      this.resume();
    }

    function onClose(): void {
      inFlight--;
      if (++done === total) {
        session.off('remoteSettings', fill);
        session.off('error', reject);
        resolve();
      } else fill();
    }
  });
}

await send(randomTokens(warmUp));
accepted = 0;
const tokens = randomTokens(count);
const usage = await measured(() => send(tokens));
writeOutcome({ ...usage, count, accepted });
session.close();
