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

/** The same as the named exports, for programs that import the package as a whole: they write `apn.Notification`. */
const apn = { Provider, MultiProvider, Notification: ApnNotification, token };

/** Types by the name of a default import, as where a package is CommonJS. */
declare namespace apn {
  export type Aps = import('./notification.js').Aps;
  export type ApsAlert = import('./notification.js').ApsAlert;
  export type ApsNotificationInterruptionLevel = import('./notification.js').ApsNotificationInterruptionLevel;
  export type ApsSound = import('./notification.js').ApsSound;
  export type NotificationAlertOptions = import('./notification.js').NotificationAlertOptions;
  export type NotificationPushType = import('./notification.js').NotificationPushType;
  export type ChannelAction = import('./provider.js').ChannelAction;
  export type MultiProvider = import('./provider.js').MultiProvider;
  export type Provider = import('./provider.js').Provider;
  export type MultiProviderOptions = import('./provider-options.js').MultiProviderOptions;
  export type ProviderOptions = import('./provider-options.js').ProviderOptions;
  export type ProviderToken = import('./provider-options.js').ProviderToken;
  export type BroadcastResponse = import('./responses.js').BroadcastResponse;
  export type BroadcastResponseFailure = import('./responses.js').BroadcastResponseFailure;
  export type LoggerResponse = import('./responses.js').LoggerResponse;
  export type LoggerResponseFailure = import('./responses.js').LoggerResponseFailure;
  export type ResponseFailure = import('./responses.js').ResponseFailure;
  export type ResponseSent = import('./responses.js').ResponseSent;
  export type Notification = import('./notification.js').ApnNotification;
  export type Responses<R, F> = import('./responses.js').Responses<R, F>;
}

export default apn;
