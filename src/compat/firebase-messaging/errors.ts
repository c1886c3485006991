/**
 * The errors of firebase-admin: what calls throw, and what responses hold. Made by all parts of this module; main
 * thread.
 */

/** What an error says; of a kind of errors its code without the prefix, and what is said where FCM says nothing. */
export interface ErrorInfo {
  readonly code: string;
  readonly message: string;
}

export class FirebaseError extends Error {
  readonly errorInfo: ErrorInfo;
  readonly codePrefix: string;

  /** @internal */
  constructor(codePrefix: string, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.errorInfo = { code: `${codePrefix}/${code}`, message };
    this.codePrefix = codePrefix;
  }

  /** Such as `messaging/invalid-argument`. */
  get code(): string {
    return this.errorInfo.code;
  }

  /** Whether this is its code; without the prefix. */
  hasCode(code: string): boolean {
    return this.code === `${this.codePrefix}/${code}`;
  }

  toJSON(): object {
    const { code, message } = this;
    return { code, message };
  }
}

/** A fault of the app's options or its credential, and a message that got no answer: see `outcome`. */
export class FirebaseAppError extends FirebaseError {
  /**
   * Of a message without an answer. `unsent`: certainly not processed, safe to send again. `unknown`: written and not
   * answered, so that sending again may show the notification twice.
   */
  declare readonly outcome?: 'unsent' | 'unknown';

  /** @internal */
  constructor(code: string, message: string, options?: ErrorOptions & { readonly outcome?: 'unsent' | 'unknown' }) {
    super('app', code, message, options);
    if (options?.outcome !== undefined) this.outcome = options.outcome;
  }
}

/** A message or an argument that is not valid, and any answer of FCM but 200. */
export class FirebaseMessagingError extends FirebaseError {
  /** @internal */
  constructor({ code, message }: ErrorInfo, said?: string, options?: ErrorOptions) {
    super('messaging', code, said === undefined || said === '' ? message : said, options);
  }
}

export const AppErrorCodes = {
  APP_DELETED: 'app-deleted',
  DUPLICATE_APP: 'duplicate-app',
  INVALID_ARGUMENT: 'invalid-argument',
  INTERNAL_ERROR: 'internal-error',
  INVALID_APP_NAME: 'invalid-app-name',
  INVALID_APP_OPTIONS: 'invalid-app-options',
  INVALID_CREDENTIAL: 'invalid-credential',
  NETWORK_ERROR: 'network-error',
  NETWORK_TIMEOUT: 'network-timeout',
  NO_APP: 'no-app',
  UNABLE_TO_PARSE_RESPONSE: 'unable-to-parse-response',
} as const;

/** The codes after `messaging/`. */
export const MessagingClientErrorCode = {
  INVALID_ARGUMENT: { code: 'invalid-argument', message: 'FCM refuses a field of the message.' },
  INVALID_RECIPIENT: { code: 'invalid-recipient', message: 'The recipient is not valid.' },
  INVALID_PAYLOAD: { code: 'invalid-payload', message: 'The message is not valid.' },
  INVALID_DATA_PAYLOAD_KEY: { code: 'invalid-data-payload-key', message: 'A key of data is not valid.' },
  PAYLOAD_SIZE_LIMIT_EXCEEDED: { code: 'payload-size-limit-exceeded', message: 'The message is too large.' },
  INVALID_OPTIONS: { code: 'invalid-options', message: 'The options are not valid.' },
  INVALID_REGISTRATION_TOKEN: { code: 'invalid-registration-token', message: 'The registration token is not valid.' },
  REGISTRATION_TOKEN_NOT_REGISTERED: {
    code: 'registration-token-not-registered',
    message: 'Requested entity was not found.',
  },
  INSTALLATION_ID_NOT_REGISTERED: {
    code: 'installation-id-not-registered',
    message: 'Requested entity was not found.',
  },
  MISMATCHED_CREDENTIAL: {
    code: 'mismatched-credential',
    message: 'The credential may not send to this recipient: check that both belong to the same project.',
  },
  INVALID_PACKAGE_NAME: { code: 'invalid-package-name', message: 'The token is of an app with another package name.' },
  DEVICE_MESSAGE_RATE_EXCEEDED: {
    code: 'device-message-rate-exceeded',
    message: 'The device gets too many messages: send it fewer.',
  },
  TOPICS_MESSAGE_RATE_EXCEEDED: {
    code: 'topics-message-rate-exceeded',
    message: 'The topic gets too many messages: send it fewer.',
  },
  MESSAGE_RATE_EXCEEDED: {
    code: 'message-rate-exceeded',
    message: 'A quota of messages is exceeded: send more slowly.',
  },
  THIRD_PARTY_AUTH_ERROR: {
    code: 'third-party-auth-error',
    message: 'The project has no valid APNs key or web push key for this recipient, or the access token is not valid.',
  },
  TOO_MANY_TOPICS: { code: 'too-many-topics', message: 'The device is subscribed to as many topics as it may be.' },
  AUTHENTICATION_ERROR: { code: 'authentication-error', message: 'FCM does not accept the credential.' },
  SERVER_UNAVAILABLE: { code: 'server-unavailable', message: 'FCM is overloaded: it is safe to send again later.' },
  INTERNAL_ERROR: { code: 'internal-error', message: 'FCM had an error of its own: it is safe to send again later.' },
  UNKNOWN_ERROR: { code: 'unknown-error', message: 'FCM gave an answer that is not known.' },
} as const satisfies Readonly<Record<string, ErrorInfo>>;

export function invalidArgument(message: string): FirebaseMessagingError {
  return new FirebaseMessagingError(MessagingClientErrorCode.INVALID_ARGUMENT, message);
}

export function invalidPayload(message: string): FirebaseMessagingError {
  return new FirebaseMessagingError(MessagingClientErrorCode.INVALID_PAYLOAD, message);
}
