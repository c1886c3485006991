/**
 * Sender: firebase-admin's messaging, 500 messages a call. The package sends to Google's name only, and connects by
 * `http2.connect`, which leads to the target here.
 */
import http2 from 'node:http2';
import { loadPeer } from '../lib/peers.js';
import { accessToken, type OpenFcmSender, project } from './sender.js';
import { messageOf, orderAt, type RegistrationTokens } from './texts.js';

interface BatchResponse {
  readonly successCount: number;
}

interface Messaging {
  sendEach(messages: readonly object[]): Promise<BatchResponse>;
  sendEachForMulticast(message: object): Promise<BatchResponse>;
}

/** As many as a call takes. */
const callMessages = 500;

export const open: OpenFcmSender = async ({ target, way, atOnce }) => {
  const { connect } = http2;
  const connectHere = (_authority: string | URL, options: object) => connect(target.url, { ...options, ca: target.ca });
  http2.connect = connectHere as typeof connect;
  const { initializeApp } = loadPeer('firebase-admin/app') as { initializeApp(options: object): object };
  const { getMessaging } = loadPeer('firebase-admin/messaging') as { getMessaging(app: object): Messaging };
  const getAccessToken = async (): Promise<object> => ({ access_token: accessToken, expires_in: 3600 });
  const messaging = getMessaging(initializeApp({ projectId: project, credential: { getAccessToken } }));

  function call(tokens: readonly string[], first: number): Promise<BatchResponse> {
    const some = tokens.slice(first, first + callMessages);
    if (way === 'sendEachForMulticast') {
      return messaging.sendEachForMulticast({ tokens: some, ...messageOf(orderAt(0)) });
    }
    return messaging.sendEach(some.map((token, index) => ({ token, ...messageOf(orderAt(first + index)) })));
  }

  async function send({ texts: tokens }: RegistrationTokens): Promise<number> {
    let next = 0;
    let accepted = 0;
    const chain = async (): Promise<void> => {
      while (next < tokens.length) {
        const first = next;
        next += callMessages;
        const { successCount } = await call(tokens, first);
        accepted += successCount;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, chain));
    return accepted;
  }
  return { send, close: async () => undefined };
};
