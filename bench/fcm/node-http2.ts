/**
 * Sender: node:http2 as a careful program uses it by hand. One connection, as many requests in flight as the server
 * allows, one function for all events, bodies put together as text, answers drained and only their status looked at.
 */
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { accessToken, type OpenFcmSender, project } from './sender.js';
import { messageOf, orderAt, type RegistrationTokens } from './texts.js';

export const open: OpenFcmSender = async ({ target }) => {
  // maxSessionMemory in megabytes: with its default of 10, node drops answers under load.
  const session = connect(target.url, { ca: target.ca, maxSessionMemory: 1000 });
  await once(session, 'remoteSettings');
  const limit = Math.min(1000, session.remoteSettings.maxConcurrentStreams ?? 100);
  const headers = {
    ':method': 'POST',
    ':path': `/v1/projects/${project}/messages:send`,
    authorization: `Bearer ${accessToken}`,
    'content-type': 'application/json',
  };
  const [beforeToken, afterToken] = ['{"message":{"token":"', `",${JSON.stringify(messageOf(orderAt(0))).slice(1)}}`];

  function send({ texts: tokens }: RegistrationTokens): Promise<number> {
    return new Promise((resolve, reject) => {
      let [next, done, inFlight, accepted] = [0, 0, 0, 0];
      fill();

      function fill(): void {
        while (inFlight < limit && next < tokens.length) {
          const stream = session.request(headers);
          stream.on('response', onResponse);
          stream.on('close', onClose);
          stream.on('error', reject);
          stream.end(beforeToken + tokens[next++]! + afterToken);
          inFlight++;
        }
      }

      function onResponse(this: ClientHttp2Stream, answer: IncomingHttpHeaders & { ':status'?: number }): void {
        if (answer[':status'] === 200) accepted++;
        this.resume();
      }

      function onClose(): void {
        inFlight--;
        if (++done === tokens.length) resolve(accepted);
        else fill();
      }
    });
  }
  return { send, close: async () => session.close() };
};
