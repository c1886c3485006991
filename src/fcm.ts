/**
 * The face for those who send to FCM (`peal/fcm`). Apart from index.ts, because programs that send to Apple's devices
 * alone load none of it. Sessions, results and options are those of `peal`. See docs/fcm.md.
 */
export { PealError } from './base/errors.js';
export type { FcmAlert, FcmMessageOptions } from './fcm/message-options.js';
export type { TargetKind } from './fcm/registration-token.js';
export {
  type AccessTokenOptions,
  type FcmCredential,
  type FcmCredentialOptions,
  loadServiceAccount,
  type ServiceAccountKey,
  type ServiceAccountOptions,
} from './fcm/service-account.js';
export { FCM, type FcmItem } from './session/fcm.js';
export { FcmMessage, type FcmMessageData } from './session/message/fcm-message.js';
export { Result } from './session/message/result.js';
export type { GatewayOptions } from './session/options/gateway-options.js';
export type { SendOptions } from './session/send/send-options.js';
export { Session } from './session/session.js';
export type { PushOptions } from './session/single/push-options.js';
export type { PushOutcome } from './session/single/push-outcome.js';
export type { ItemOutcome } from './session/single/send-each.js';
export type { SendEachOptions } from './session/single/send-each-options.js';
