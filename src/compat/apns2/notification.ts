/**
 * Notifications as apns2 has them: a device token and options that may be changed until they are sent. Made by
 * programs, read by request. Pure; any thread.
 */
import { type InspectOptions, inspect } from 'node:util';
import { shortToken } from '../../apns/device-token.js';

const PushType = {
  alert: 'alert',
  background: 'background',
  voip: 'voip',
  complication: 'complication',
  fileprovider: 'fileprovider',
  mdm: 'mdm',
  liveactivity: 'liveactivity',
  location: 'location',
  pushtotalk: 'pushtotalk',
} as const;

type PushType = (typeof PushType)[keyof typeof PushType];

const Priority = {
  immediate: 10,
  throttled: 5,
  low: 1,
} as const;

type Priority = (typeof Priority)[keyof typeof Priority];

interface NotificationOptions {
  /** The header apns-push-type. Default `alert`. */
  type?: PushType;
  alert?:
    | string
    | {
        title: string;
        subtitle?: string;
        body: string;
      };
  badge?: number;
  /** The header apns-expiration: epoch seconds, or a Date. */
  expiration?: number | Date;
  sound?: string | CriticalAlertSoundPayload;
  category?: string;
  /** Keys of the app's own, beside `aps`. */
  data?: Record<string, unknown>;
  contentAvailable?: boolean;
  /** The header apns-priority. Default 10, which is not sent. */
  priority?: Priority;
  /** Default: the client's `defaultTopic`. */
  topic?: string;
  collapseId?: string;
  threadId?: string;
  /** Further keys of `aps`. The other options go over them. It is not changed. */
  aps?: Record<string, unknown>;
  mutableContent?: boolean;
}

/** What is sent as JSON. */
export interface ApnsPayload {
  aps: Record<string, unknown>;
  [key: string]: unknown;
}

/** A sound with more than a name. */
export interface CriticalAlertSoundPayload {
  critical: 0 | 1;
  name?: string;
  volume?: number;
}

class Notification {
  readonly deviceToken: string;
  readonly options: NotificationOptions;

  constructor(deviceToken: string, options?: NotificationOptions) {
    this.deviceToken = deviceToken;
    this.options = options ?? {};
  }

  get pushType(): PushType {
    return this.options.type ?? PushType.alert;
  }

  get priority(): Priority {
    return this.options.priority ?? Priority.immediate;
  }

  /** Returns the payload, made anew of what the options say now. */
  buildApnsOptions(): ApnsPayload {
    const { alert, contentAvailable, sound, category, badge, threadId, data, mutableContent } = this.options;
    const payload: ApnsPayload = { aps: { ...this.options.aps } };
    const { aps } = payload;
    if (alert) aps.alert = alert;
    if (typeof contentAvailable === 'boolean') aps['content-available'] = contentAvailable ? 1 : 0;
    if (typeof sound === 'string' || typeof sound === 'object') aps.sound = sound;
    if (typeof category === 'string') aps.category = category;
    if (typeof badge === 'number') aps.badge = badge;
    if (typeof threadId === 'string') aps['thread-id'] = threadId;
    for (const key in data) payload[key] = data[key];
    if (typeof mutableContent === 'boolean') payload.aps['mutable-content'] = mutableContent ? 1 : 0;
    return payload;
  }

  /** Shows no whole device token. */
  [inspect.custom](_depth: number, shown: InspectOptions): string {
    const { deviceToken, options } = this;
    const token = typeof deviceToken === 'string' ? shortToken(deviceToken) : deviceToken;
    return `${this.constructor.name} ${inspect({ deviceToken: token, options }, shown)}`;
  }
}

/** A background push: content-available, priority 5. Given options go over these. */
export class SilentNotification extends Notification {
  constructor(
    deviceToken: string,
    options: Omit<NotificationOptions, 'type' | 'alert' | 'priority' | 'contentAvailable'> = {},
  ) {
    super(deviceToken, {
      contentAvailable: true,
      type: PushType.background,
      priority: Priority.throttled,
      ...options,
    });
  }
}

// By other names, because other files of the package have these; programs get them by their own.
export {
  Notification as DeviceNotification,
  type NotificationOptions as DeviceNotificationOptions,
  Priority as DevicePriority,
  PushType as DevicePushType,
};
