/** `peal/compat/apns2`: the interface of the package apns2, over peal's sessions. */
export { ApnsClient, type ApnsOptions, Host, type PrivateKey, type SigningToken } from './client.js';
export { ApnsError, type ApnsResponseError, type Error, Errors, UnansweredError } from './errors.js';
export {
  type ApnsPayload,
  type CriticalAlertSoundPayload,
  DeviceNotification as Notification,
  type DeviceNotificationOptions as NotificationOptions,
  DevicePriority as Priority,
  DevicePushType as PushType,
  SilentNotification,
} from './notification.js';
