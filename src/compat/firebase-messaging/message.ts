/**
 * The messages of firebase-admin, as programs write them. Read by message-rules; types only.
 */

/** Keys of an app's own, with text as values. */
interface TextMap {
  [key: string]: string;
}

export interface BaseMessage {
  data?: TextMap;
  notification?: Notification;
  android?: AndroidConfig;
  webpush?: WebpushConfig;
  apns?: ApnsConfig;
  fcmOptions?: FcmOptions;
}

export interface TokenMessage extends BaseMessage {
  token: string;
}

export interface TopicMessage extends BaseMessage {
  topic: string;
}

export interface ConditionMessage extends BaseMessage {
  condition: string;
}

/** A message to an installation id (firebase-admin 14). */
export interface FidMessage extends BaseMessage {
  fid: string;
}

type Message = TokenMessage | TopicMessage | ConditionMessage | FidMessage;

/** One message to many. At most 500 tokens and installation ids together. */
export interface MulticastMessage extends BaseMessage {
  tokens?: string[];
  /** Installation ids (firebase-admin 14). */
  fids?: string[];
}

interface Notification {
  title?: string;
  body?: string;
  imageUrl?: string;
}

export interface FcmOptions {
  analyticsLabel?: string;
}

export interface WebpushConfig {
  headers?: TextMap;
  data?: TextMap;
  notification?: WebpushNotification;
  fcmOptions?: WebpushFcmOptions;
}

export interface WebpushFcmOptions {
  link?: string;
}

/** Any option of the Web Notification API. */
export interface WebpushNotification {
  title?: string;
  body?: string;
  icon?: string;
  badge?: string;
  image?: string;
  tag?: string;
  lang?: string;
  dir?: 'auto' | 'ltr' | 'rtl';
  data?: unknown;
  renotify?: boolean;
  requireInteraction?: boolean;
  silent?: boolean;
  timestamp?: number;
  vibrate?: number | number[];
  actions?: { action: string; icon?: string; title: string }[];
  [key: string]: unknown;
}

export interface ApnsConfig {
  liveActivityToken?: string;
  headers?: TextMap;
  payload?: ApnsPayload;
  fcmOptions?: ApnsFcmOptions;
}

interface ApnsPayload {
  aps: Aps;
  [key: string]: unknown;
}

interface Aps {
  alert?: string | ApsAlert;
  badge?: number;
  sound?: string | CriticalSound;
  contentAvailable?: boolean;
  mutableContent?: boolean;
  category?: string;
  threadId?: string;
  [key: string]: unknown;
}

interface ApsAlert {
  title?: string;
  subtitle?: string;
  body?: string;
  locKey?: string;
  locArgs?: string[];
  titleLocKey?: string;
  titleLocArgs?: string[];
  subtitleLocKey?: string;
  subtitleLocArgs?: string[];
  actionLocKey?: string;
  launchImage?: string;
}

export interface CriticalSound {
  critical?: boolean;
  name: string;
  /** 0 to 1. */
  volume?: number;
}

export interface ApnsFcmOptions {
  analyticsLabel?: string;
  imageUrl?: string;
}

export interface AndroidConfig {
  collapseKey?: string;
  priority?: 'high' | 'normal';
  /** In milliseconds. */
  ttl?: number;
  restrictedPackageName?: string;
  data?: TextMap;
  notification?: AndroidNotification;
  fcmOptions?: AndroidFcmOptions;
  directBootOk?: boolean;
  bandwidthConstrainedOk?: boolean;
  restrictedSatelliteOk?: boolean;
}

export interface AndroidNotification {
  title?: string;
  body?: string;
  icon?: string;
  /** `#RRGGBB` */
  color?: string;
  sound?: string;
  tag?: string;
  imageUrl?: string;
  clickAction?: string;
  bodyLocKey?: string;
  bodyLocArgs?: string[];
  titleLocKey?: string;
  titleLocArgs?: string[];
  channelId?: string;
  ticker?: string;
  sticky?: boolean;
  eventTimestamp?: Date;
  localOnly?: boolean;
  priority?: 'min' | 'low' | 'default' | 'high' | 'max';
  vibrateTimingsMillis?: number[];
  defaultVibrateTimings?: boolean;
  defaultSound?: boolean;
  lightSettings?: LightSettings;
  defaultLightSettings?: boolean;
  visibility?: 'private' | 'public' | 'secret';
  notificationCount?: number;
  proxy?: 'allow' | 'deny' | 'if_priority_lowered';
}

export interface LightSettings {
  /** `#RRGGBB` or `#RRGGBBAA` */
  color: string;
  lightOnDurationMillis: number;
  lightOffDurationMillis: number;
}

export interface AndroidFcmOptions {
  analyticsLabel?: string;
}

/** Names that other modules have as well. */
export type {
  ApnsPayload as FirebaseApnsPayload,
  Aps as FirebaseAps,
  ApsAlert as FirebaseApsAlert,
  Message as FirebaseMessage,
  Notification as FirebaseNotification,
};
