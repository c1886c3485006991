/** `peal/compat/node-apn`: the interface of the package @parse/node-apn, over peal's sessions. */
import { ApnNotification } from './notification.js';
import { MultiProvider, Provider } from './provider.js';
import { token } from './token.js';

export type { LineLogger } from './client.js';
export {
  ApnNotification as Notification,
  type Aps,
  type ApsAlert,
  type ApsNotificationInterruptionLevel,
  type ApsSound,
  type NotificationAlertOptions,
  type NotificationPushType,
} from './notification.js';
export { type ChannelAction, MultiProvider, Provider, type ProviderConstructor } from './provider.js';
export type { MultiProviderOptions, ProviderOptions, ProviderToken } from './provider-options.js';
export {
  type BroadcastResponse,
  type BroadcastResponseFailure,
  type LoggerResponse,
  type LoggerResponseFailure,
  type ResponseFailure,
  type ResponseSent,
  type Responses,
  WriteError,
} from './responses.js';
export { token } from './token.js';

/** The same as the named exports, for programs that import the package as a whole. */
export default { Provider, MultiProvider, Notification: ApnNotification, token };
