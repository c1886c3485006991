/**
 * Notifications as @parse/node-apn has them: fields and setters that fill `aps`, header fields as text and numbers, and
 * a payload that is final once it was compiled. Made by programs, read by provider. Pure; any thread.
 */
import { Buffer } from 'node:buffer';

export type NotificationPushType =
  | 'background'
  | 'alert'
  | 'voip'
  | 'pushtotalk'
  | 'liveactivity'
  | 'location'
  | 'complication'
  | 'fileprovider'
  | 'mdm'
  | 'widgets';

export type ApsNotificationInterruptionLevel = 'passive' | 'active' | 'time-sensitive' | 'critical';

export interface NotificationAlertOptions {
  title?: string;
  subtitle?: string;
  body: string;
  'title-loc-key'?: string;
  'title-loc-args'?: string[];
  'subtitle-loc-key'?: string;
  'subtitle-loc-args'?: string[];
  'action-loc-key'?: string;
  'loc-key'?: string;
  'loc-args'?: string[];
  'launch-image'?: string;
}

export interface ApsAlert {
  body?: string;
  'loc-key'?: string;
  // biome-ignore lint/suspicious/noExplicitAny: as in the typings that programs were written against
  'loc-args'?: any[];
  title?: string;
  'title-loc-key'?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  'title-loc-args'?: any[];
  'subtitle-loc-key'?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  'subtitle-loc-args'?: any[];
  action?: string;
  'action-loc-key'?: string;
}

/** A sound with more than a name. */
export interface ApsSound {
  /** 1: it is heard on a muted device, too. */
  critical: number;
  name: string;
  /** 0 to 1. */
  volume: number;
}

/** The dictionary `aps` of the payload. */
export interface Aps {
  alert?: string | ApsAlert;
  'launch-image'?: string;
  badge?: number;
  sound?: string | ApsSound;
  'content-available'?: undefined | 1;
  'content-changed'?: undefined | true;
  'mutable-content'?: undefined | 1;
  'url-args'?: string[];
  category?: string;
  'thread-id'?: string;
  'target-content-id'?: string;
  'interruption-level'?: string | ApsNotificationInterruptionLevel;
  'relevance-score'?: number;
  'filter-criteria'?: string;
  'stale-date'?: number;
  'content-state'?: object;
  timestamp?: number;
  event?: string;
  'dismissal-date'?: number;
  'input-push-channel'?: string;
  'input-push-token'?: number;
  'attributes-type'?: string;
  attributes?: object;
}

/** The fields that have setters. A value of another kind than these is ignored, as it always was. */
interface ApsSetters {
  alert: string | NotificationAlertOptions;
  body: string;
  locKey: string;
  // biome-ignore lint/suspicious/noExplicitAny: arguments of any kind
  locArgs: any[];
  title: string;
  subtitle: string;
  titleLocKey: string;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  titleLocArgs: any[];
  subtitleLocKey: string;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  subtitleLocArgs: any[];
  action: string;
  actionLocKey: string;
  launchImage: string;
  badge: number;
  sound: string | ApsSound;
  contentAvailable: boolean;
  mutableContent: boolean;
  contentChanged: boolean;
  mdm: string | object;
  urlArgs: string[];
  category: string | undefined;
  threadId: string;
  targetContentIdentifier: string | undefined;
  interruptionLevel: ApsNotificationInterruptionLevel | (string & {}) | undefined;
  relevanceScore: number | undefined;
  timestamp: number | undefined;
  staleDate: number | undefined;
  event: string | undefined;
  contentState: object | undefined;
  dismissalDate: number | undefined;
  filterCriteria: string | undefined;
  inputPushChannel: string | undefined;
  inputPushToken: number | undefined;
  attributesType: string | undefined;
  attributes: object | undefined;
}

type ChainedName = keyof ApsSetters | 'payload' | 'expiry' | 'priority';

/** `setBadge(2)` and the like: set a field and return the notification. */
type ChainedSetters = {
  [Name in ChainedName as `set${Capitalize<Name>}`]: (
    // biome-ignore lint/suspicious/noExplicitAny: a payload is anything
    value: Name extends keyof ApsSetters ? ApsSetters[Name] | undefined : Name extends 'payload' ? any : number,
  ) => ApnNotification;
};

export interface ApnNotification extends ApsSetters, ChainedSetters {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the accessors are defined from a table below
export class ApnNotification {
  encoding = 'utf8';
  /** The app's own keys, beside `aps`. */
  // biome-ignore lint/suspicious/noExplicitAny: as in the typings that programs were written against
  payload: any = {};
  /** The payload as JSON, once it was compiled. */
  compiled: string | false = false;
  aps: Aps = {};
  /** The header apns-expiration, in epoch seconds; below 0: not sent. */
  expiry = -1;
  /** The header apns-priority. */
  priority = 10;
  /** The header apns-topic. */
  declare topic: string;
  /** The header apns-id, a UUID. */
  declare id: string;
  /** The header apns-request-id of broadcasts and channel management. */
  declare requestId: string;
  /** The header apns-channel-id. */
  declare channelId: string;
  declare collapseId: string;
  declare pushType: NotificationPushType;
  /** The whole payload: if it is given, nothing else is in it. */
  // biome-ignore lint/suspicious/noExplicitAny: the same
  declare rawPayload: any;
  /** @internal what `mdm` was set to */
  declare _mdm: unknown;

  /** @param payload fields, each as if it was set by its name */
  // biome-ignore lint/suspicious/noExplicitAny: the same
  constructor(payload?: any) {
    if (payload) Object.assign(this, payload);
  }

  /** The header fields, as far as they are set now. */
  headers(): Record<string, string | number> {
    const { priority, id, collapseId, requestId, channelId, expiry, topic, pushType } = this;
    const headers: Record<string, string | number> = {};
    if (Number.isInteger(priority)) headers['apns-priority'] = priority;
    if (id) headers['apns-id'] = id;
    if (collapseId) headers['apns-collapse-id'] = collapseId;
    if (requestId) headers['apns-request-id'] = requestId;
    if (channelId) headers['apns-channel-id'] = channelId;
    if (expiry >= 0) headers['apns-expiration'] = expiry;
    if (topic) headers['apns-topic'] = topic;
    if (pushType) headers['apns-push-type'] = pushType;
    return headers;
  }

  /** Keeps what channel management knows. */
  removeNonChannelRelatedProperties(): void {
    this.priority = 10;
    Object.assign(this, { id: undefined, collapseId: undefined, topic: undefined, pushType: undefined });
  }

  /** Gives the body of a request for a channel the push type that all channels have. */
  addPushTypeToPayloadIfNeeded(): void {
    if (this.rawPayload == null && this.payload['push-type'] === undefined) this.payload['push-type'] = 'liveactivity';
  }

  /** The payload as JSON. Final: what is changed after the first call has no effect on it. */
  compile(): string {
    if (this.compiled === false) this.compiled = JSON.stringify(this);
    return this.compiled;
  }

  /** Bytes of the payload. */
  length(): number {
    return Buffer.byteLength(this.compile(), (this.encoding || 'utf8') as BufferEncoding);
  }

  /** `aps`, or undefined where nothing is set in it. */
  apsPayload(): Aps | undefined {
    const { aps } = this;
    for (const key in aps) if (aps[key as keyof Aps] !== undefined) return aps;
    return undefined;
  }

  toJSON(): unknown {
    if (this.rawPayload != null) return this.rawPayload;
    if (typeof this._mdm === 'string') return { mdm: this._mdm };
    return { ...this.payload, aps: this.apsPayload() };
  }

  /** Makes the alert a dictionary, where it is text or missing. */
  prepareAlert(): void {
    alertOf(this.aps);
  }
}

type Dictionary = Record<string, unknown>;

function alertOf(aps: Aps): Dictionary {
  if (typeof aps.alert !== 'object') aps.alert = { body: aps.alert } as ApsAlert;
  return aps.alert as Dictionary;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isDictionary = (value: unknown): boolean => typeof value === 'object';

/** For each setter of a value of one kind: its key in `aps`, and which values it takes besides undefined. */
const keys: Readonly<Record<string, readonly [key: string, isMeant: (value: unknown) => boolean]>> = {
  badge: ['badge', isNumber],
  sound: ['sound', isSound],
  urlArgs: ['url-args', Array.isArray],
  category: ['category', isText],
  threadId: ['thread-id', isText],
  targetContentIdentifier: ['target-content-id', isText],
  interruptionLevel: ['interruption-level', isText],
  relevanceScore: ['relevance-score', isNumber],
  timestamp: ['timestamp', isNumber],
  staleDate: ['stale-date', isNumber],
  event: ['event', isText],
  contentState: ['content-state', isDictionary],
  dismissalDate: ['dismissal-date', isNumber],
  filterCriteria: ['filter-criteria', isText],
  inputPushChannel: ['input-push-channel', isText],
  inputPushToken: ['input-push-token', isNumber],
  attributesType: ['attributes-type', isText],
  attributes: ['attributes', isDictionary],
};

/** For each setter of the alert's dictionary: its key there. */
const alertKeys: Readonly<Record<string, string>> = {
  locKey: 'loc-key',
  locArgs: 'loc-args',
  title: 'title',
  subtitle: 'subtitle',
  titleLocKey: 'title-loc-key',
  titleLocArgs: 'title-loc-args',
  subtitleLocKey: 'subtitle-loc-key',
  subtitleLocArgs: 'subtitle-loc-args',
  action: 'action',
  actionLocKey: 'action-loc-key',
  launchImage: 'launch-image',
};

/** For each setter of a flag: its key in `aps`, and how it is written. */
const flags: Readonly<Record<string, readonly [key: string, on: unknown]>> = {
  contentAvailable: ['content-available', 1],
  mutableContent: ['mutable-content', 1],
  contentChanged: ['content-changed', true],
};

function isSound(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string';
  const { name, critical, volume } = value as Partial<ApsSound>;
  return typeof name === 'string' && typeof critical === 'number' && typeof volume === 'number';
}

function defineSetter(name: string, set: (note: ApnNotification, value: unknown) => void): void {
  defineAccessor(name, {
    set(this: ApnNotification, value: unknown) {
      set(this, value);
    },
  });
}

function defineAccessor(name: string, accessor: PropertyDescriptor): void {
  Object.defineProperty(ApnNotification.prototype, name, { ...accessor, configurable: true, enumerable: true });
}

function defineChained(name: string): void {
  Object.defineProperty(ApnNotification.prototype, `set${name[0]!.toUpperCase()}${name.slice(1)}`, {
    value(this: Dictionary, value: unknown) {
      this[name] = value;
      return this;
    },
    configurable: true,
    writable: true,
  });
}

for (const [name, [key, isMeant]] of Object.entries(keys)) {
  defineSetter(name, ({ aps }, value) => {
    if (value === undefined || isMeant(value)) (aps as Dictionary)[key] = value;
  });
}
for (const [name, key] of Object.entries(alertKeys)) {
  defineSetter(name, ({ aps }, value) => {
    alertOf(aps)[key] = value;
  });
}
for (const [name, [key, on]] of Object.entries(flags)) {
  defineSetter(name, ({ aps }, value) => {
    (aps as Dictionary)[key] = value === true || value === 1 ? on : undefined;
  });
}
defineSetter('alert', ({ aps }, value) => {
  aps.alert = value as ApsAlert;
});
defineSetter('mdm', (note, value) => {
  note._mdm = value;
});
defineAccessor('body', {
  get(this: ApnNotification) {
    const { alert } = this.aps;
    return alert ? (alert as ApsAlert).body || alert : alert;
  },
  set(this: ApnNotification, value: string) {
    if (typeof this.aps.alert === 'object') this.aps.alert.body = value;
    else this.aps.alert = value;
  },
});
for (const name of ['payload', 'expiry', 'priority', 'alert', 'body', 'mdm']) defineChained(name);
for (const table of [keys, alertKeys, flags]) for (const name of Object.keys(table)) defineChained(name);
