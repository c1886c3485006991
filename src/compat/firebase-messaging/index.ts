/** `peal/compat/firebase-messaging`: the interface of firebase-admin's app and messaging, over peal's sessions. */
import { apps, deleteApp, getApp, getApps, initializeApp } from './app.js';
import { applicationDefault, cert, refreshToken } from './credential.js';
import { getMessaging } from './messaging.js';

export { type App, type AppOptions, apps, deleteApp, getApp, getApps, initializeApp } from './app.js';
export {
  applicationDefault,
  cert,
  type FirebaseCredential as Credential,
  type GoogleOAuthAccessToken,
  refreshToken,
  type ServiceAccount,
} from './credential.js';
export {
  AppErrorCodes,
  type ErrorInfo,
  FirebaseAppError,
  FirebaseError,
  FirebaseMessagingError,
  MessagingClientErrorCode,
} from './errors.js';
export type {
  AndroidConfig,
  AndroidFcmOptions,
  AndroidNotification,
  ApnsConfig,
  ApnsFcmOptions,
  BaseMessage,
  ConditionMessage,
  CriticalSound,
  FcmOptions,
  FidMessage,
  FirebaseApnsPayload as ApnsPayload,
  FirebaseAps as Aps,
  FirebaseApsAlert as ApsAlert,
  FirebaseMessage as Message,
  FirebaseNotification as Notification,
  LightSettings,
  MulticastMessage,
  TokenMessage,
  TopicMessage,
  WebpushConfig,
  WebpushFcmOptions,
  WebpushNotification,
} from './message.js';
export { getMessaging, Messaging, type MessagingTopicManagementResponse } from './messaging.js';
export type { BatchResponse, SendResponse } from './responses.js';

/** By the names of `firebase-admin` itself: `admin.credential.cert(…)`, `admin.messaging()`, `admin.app()`. */
export const credential = { cert, applicationDefault, refreshToken } as const;
export { getApp as app } from './app.js';
export { getMessaging as messaging } from './messaging.js';

/** The same as the named exports, for programs that import the package as a whole. */
const admin = {
  initializeApp,
  app: getApp,
  apps,
  deleteApp,
  getApp,
  getApps,
  credential,
  messaging: getMessaging,
  getMessaging,
  cert,
  applicationDefault,
  refreshToken,
} as const;

export default admin;
