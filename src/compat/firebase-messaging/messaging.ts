/**
 * Messaging of firebase-admin over a session: what programs hold. The session is opened with the first message. Main
 * thread.
 */
import { compatRetryTimeMs, maxFirebaseMessages } from '../../base/limits.js';
import { FCM } from '../../session/fcm.js';
import { FcmMessage } from '../../session/message/fcm-message.js';
import { Session } from '../../session/session.js';
import type { PushOptions } from '../../session/single/push-options.js';
import { type App, FirebaseApp, getApp } from './app.js';
import { projectOf, sessionCredential } from './credential.js';
import { type FirebaseError, FirebaseMessagingError, invalidArgument, MessagingClientErrorCode } from './errors.js';
import type { FirebaseMessage, MulticastMessage } from './message.js';
import { type MessageRecipient, recipientOf, type TargetField, wireContentOf } from './message-rules.js';
import { asFirebaseError, type BatchResponse, batchResponse, responseOf, type SendResponse } from './responses.js';

/** A fault that passes is waited out, as firebase-admin does, but as Google asks: first ten seconds, then twenty. */
const pushOptions: PushOptions = { timeoutMs: compatRetryTimeMs, retry: { attempts: 3 } };

/** What `subscribeToTopic` and `unsubscribeFromTopic` resolve with in firebase-admin. */
export interface MessagingTopicManagementResponse {
  successCount: number;
  failureCount: number;
  errors: { index: number; error: FirebaseError }[];
}

/** One message of a call. */
interface Letter {
  readonly recipient: MessageRecipient;
  readonly message: FcmMessage;
}

/** Why there is none. */
class Fault {
  constructor(readonly error: unknown) {}
}

/** Sends messages through FCM for one app. Made by `getMessaging`. */
export class Messaging {
  readonly #app: FirebaseApp;
  #session: Session | null = null;
  #fcm: FCM | null = null;
  readonly #underWay = new Set<Promise<unknown>>();

  /** @internal */
  constructor(app: FirebaseApp) {
    if (!(app instanceof FirebaseApp)) {
      throw invalidArgument('First argument passed to admin.messaging() must be a valid Firebase app instance.');
    }
    this.#app = app;
  }

  get app(): App {
    return this.#app;
  }

  /**
   * Sends one message, and resolves with the name that FCM gave it.
   *
   * @param dryRun FCM checks the message, and delivers it to nobody
   * @throws FirebaseMessagingError (at once) for a message that is not valid; (as a rejection) for any answer but 200;
   *   FirebaseAppError (as a rejection) where there is no answer
   */
  send(message: FirebaseMessage, dryRun?: boolean): Promise<string> {
    const recipient = recipientOf(message);
    const content = wireContentOf(message);
    checkDryRun(dryRun);
    const letter = attempted(() => ({ recipient, message: fcmMessage(recipient.target, content, dryRun) }));
    return this.#tracked(async () => {
      const { messageId, error } = await push(this.#open(), letter);
      if (error !== undefined) throw error;
      return messageId!;
    });
  }

  /**
   * Sends each message, and resolves with what became of each, in their order.
   *
   * @param messages at most 500
   * @throws FirebaseMessagingError (at once) for a list that is not valid
   */
  sendEach(messages: readonly FirebaseMessage[], dryRun?: boolean): Promise<BatchResponse> {
    if (!isFilled(messages)) throw invalidArgument('messages must be a non-empty array');
    checkCount(messages.length, 'messages');
    checkDryRun(dryRun);
    return this.#sendAll(
      Array.from(messages, (message) =>
        attempted(() => {
          const recipient = recipientOf(message);
          return { recipient, message: fcmMessage(recipient.target, wireContentOf(message as object), dryRun) };
        }),
      ),
    );
  }

  /**
   * Sends one message to many tokens, and resolves with what became of each, in their order.
   *
   * @param message at most 500 tokens
   * @throws FirebaseMessagingError (at once) for a list that is not valid
   */
  sendEachForMulticast(message: MulticastMessage, dryRun?: boolean): Promise<BatchResponse> {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      throw invalidArgument('MulticastMessage must be a non-null object');
    }
    const { tokens, fids, ...all } = message as { readonly [name: string]: unknown };
    if (!isFilled(tokens) && !isFilled(fids)) throw invalidArgument('tokens must be a non-empty array');
    const recipients = [
      ...(isFilled(tokens) ? Array.from(tokens, (token) => ({ token })) : []),
      ...(isFilled(fids) ? Array.from(fids, (fid) => ({ fid })) : []),
    ];
    checkCount(recipients.length, 'tokens');
    checkDryRun(dryRun);
    const { android, apns, data, notification, webpush, fcmOptions } = all;
    const content = attempted(() => wireContentOf({ android, apns, data, notification, webpush, fcmOptions }));
    const made = new Map<TargetField, FcmMessage | Fault>();
    const messageFor = (target: TargetField): FcmMessage => {
      const found = made.get(target) ?? attempted(() => fcmMessage(target, unwrapped(content), dryRun));
      made.set(target, found);
      return unwrapped(found);
    };
    return this.#sendAll(
      recipients.map((one) =>
        attempted(() => {
          const recipient = recipientOf(one);
          return { recipient, message: messageFor(recipient.target) };
        }),
      ),
    );
  }

  /** @throws FirebaseMessagingError (as a rejection): subscriptions are made elsewhere */
  subscribeToTopic(_tokens: string | string[], _topic: string): Promise<MessagingTopicManagementResponse> {
    return noSubscriptions('subscribeToTopic');
  }

  /** @throws FirebaseMessagingError (as a rejection): subscriptions are ended elsewhere */
  unsubscribeFromTopic(_tokens: string | string[], _topic: string): Promise<MessagingTopicManagementResponse> {
    return noSubscriptions('unsubscribeFromTopic');
  }

  /** No effect: messages go over HTTP/2. */
  enableLegacyHttpTransport(): void {}

  /**
   * Waits for the messages that are under way, then closes the connections.
   *
   * @internal for apps
   */
  async delete(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#session?.close();
  }

  #sendAll(letters: readonly (Letter | Fault)[]): Promise<BatchResponse> {
    return this.#tracked(async () => {
      const fcm = this.#open();
      return batchResponse(await Promise.all(letters.map((letter) => push(fcm, letter))));
    });
  }

  /**
   * @throws FirebaseMessagingError without a project; FirebaseAppError for an app that is deleted, or its credential
   */
  #open(): FCM {
    const { credential, projectId, address = 'fcm', ca } = this.#app.options;
    if (this.#fcm !== null) return this.#fcm;
    const project = projectOf(credential, projectId);
    if (project === null) throw invalidArgument(noProject);
    try {
      this.#session ??= new Session(ca === undefined ? {} : { ca });
      this.#fcm = new FCM(this.#session.getConnection(address, sessionCredential(credential, project, ca)));
    } catch (error) {
      throw asFirebaseError(error);
    }
    return this.#fcm;
  }

  #tracked<Result>(run: () => Promise<Result>): Promise<Result> {
    const running = run();
    this.#underWay.add(running);
    const done = (): boolean => this.#underWay.delete(running);
    running.then(done, done);
    return running;
  }
}

const noProject =
  'Failed to determine project ID for Messaging. Initialize the SDK with service account credentials or set project ID as ' +
  'an app option. Alternatively set the GOOGLE_CLOUD_PROJECT environment variable.';

/** Never rejects. */
async function push(fcm: FCM, letter: Letter | Fault): Promise<SendResponse> {
  try {
    const { recipient, message } = unwrapped(letter);
    return responseOf(await fcm.push(message, recipient.text, pushOptions), recipient.target);
  } catch (error) {
    return { success: false, error: asFirebaseError(error) as FirebaseError };
  }
}

function fcmMessage(target: TargetField, content: object, dryRun = false): FcmMessage {
  const text = JSON.stringify(content);
  // Programs try tokens with messages that say nothing; data without keys is the same to FCM.
  return new FcmMessage([], { target, message: text === '{}' ? '{"data":{}}' : text, dryRun });
}

function attempted<Value>(make: () => Value): Value | Fault {
  try {
    return make();
  } catch (error) {
    return new Fault(error);
  }
}

function unwrapped<Value>(value: Value | Fault): Value {
  if (value instanceof Fault) throw value.error;
  return value;
}

function isFilled(list: unknown): list is readonly unknown[] {
  return Array.isArray(list) && list.length > 0;
}

function checkCount(count: number, what: string): void {
  if (count <= maxFirebaseMessages) return;
  throw invalidArgument(`${what} list must not contain more than ${maxFirebaseMessages} items`);
}

function checkDryRun(dryRun: unknown): void {
  if (dryRun !== undefined && typeof dryRun !== 'boolean') throw invalidArgument('dryRun must be a boolean');
}

async function noSubscriptions(method: string): Promise<never> {
  const advice = 'subscribe in the app, or keep firebase-admin for it.';
  throw new FirebaseMessagingError(
    MessagingClientErrorCode.INVALID_ARGUMENT,
    `${method} is not part of peal/compat/firebase-messaging, which only sends: ${advice}`,
  );
}

/** The messaging of an app. Default: of the app without a name. */
export function getMessaging(app: App = getApp()): Messaging {
  if (!(app instanceof FirebaseApp)) return new Messaging(app as FirebaseApp);
  return app.service('messaging', () => new Messaging(app));
}
