/**
 * The apps of firebase-admin: options by a name, for the whole process. Messaging hangs on an app. Main thread.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { KeyMaterial } from '../../push/credentials/key-material.js';
import { applicationDefault, type FirebaseCredential } from './credential.js';
import { AppErrorCodes, FirebaseAppError } from './errors.js';

export interface AppOptions {
  /** `cert(…)`, `applicationDefault()`, or an object with `getAccessToken`. Default: `applicationDefault()`. */
  credential?: FirebaseCredential;
  /** The project to send for. Default: the one of the service account, or that of the variable GOOGLE_CLOUD_PROJECT. */
  projectId?: string;
  /** Instead of Google: `fcm://host:port`, such as the simulator's. */
  address?: string;
  /** PEM certificates to trust instead of the system's: text, bytes or `{ file }`. */
  ca?: KeyMaterial;
  /** No effect: proxies are those of HTTPS_PROXY. */
  httpAgent?: object;
  databaseURL?: string;
  databaseAuthVariableOverride?: object | null;
  serviceAccountId?: string;
  storageBucket?: string;
}

export interface App {
  readonly name: string;
  /** A copy. */
  readonly options: AppOptions;
  /** Ends the app: see `deleteApp`. */
  delete(): Promise<void>;
}

/** What hangs on an app. */
interface AppService {
  delete(): Promise<void>;
}

const defaultName = '[DEFAULT]';

/** Shows no credential. */
export class FirebaseApp implements App {
  readonly #name: string;
  readonly #options: AppOptions & { readonly credential: FirebaseCredential };
  readonly #services = new Map<string, AppService>();
  #isDeleted = false;

  constructor(
    name: string,
    options: AppOptions,
    readonly isFromEnvironment: boolean,
  ) {
    if (!isObject(options)) throw invalidOptions(`${wrongOptions(name)} Options must be a non-null object.`);
    this.hasOwnCredential = 'credential' in options;
    const credential: unknown = this.hasOwnCredential ? options.credential : applicationDefault();
    if (!isCredential(credential)) {
      const rule = 'The "credential" property must be an object which implements the Credential interface.';
      throw invalidOptions(`${wrongOptions(name)} ${rule}`);
    }
    this.#name = name;
    this.#options = { ...options, credential };
  }

  readonly hasOwnCredential: boolean;

  get name(): string {
    this.#checkDeleted();
    return this.#name;
  }

  get options(): AppOptions & { readonly credential: FirebaseCredential } {
    this.#checkDeleted();
    return { ...this.#options };
  }

  /** The one service of that name. */
  service<Service extends AppService>(name: string, make: () => Service): Service {
    this.#checkDeleted();
    const found = this.#services.get(name) ?? make();
    this.#services.set(name, found);
    return found as Service;
  }

  async delete(): Promise<void> {
    this.#checkDeleted();
    removeApp(this.#name);
    await Promise.all([...this.#services.values()].map((service) => service.delete()));
    this.#isDeleted = true;
  }

  #checkDeleted(): void {
    if (!this.#isDeleted) return;
    const message = `Firebase app named "${this.#name}" has already been deleted.`;
    throw new FirebaseAppError(AppErrorCodes.APP_DELETED, message);
  }
}

/** All apps, in the order in which they were made. The list itself, as programs read it: `apps.length`. */
export const apps: App[] = [];

function removeApp(name: string): void {
  const index = apps.findIndex((app) => app.name === name);
  if (index >= 0) apps.splice(index, 1);
}

/**
 * Makes an app, or returns the one of that name if its options are the same.
 *
 * @param options missing: those of the variable FIREBASE_CONFIG, JSON or the path of a file
 * @throws FirebaseAppError app/invalid-app-options, app/invalid-app-name, app/duplicate-app
 */
export function initializeApp(options?: AppOptions, appName: string = defaultName): App {
  checkName(appName);
  const isFromEnvironment = options === undefined;
  const existing = apps.find(({ name }) => name === appName) as FirebaseApp | undefined;
  if (existing === undefined) {
    const app = new FirebaseApp(appName, options === undefined ? environmentOptions() : options, isFromEnvironment);
    apps.push(app);
    return app;
  }
  const exists = `A Firebase app named "${appName}" already exists with a different configuration.`;
  if (existing.isFromEnvironment !== isFromEnvironment) throw invalidOptions(exists);
  if (isFromEnvironment) return existing;
  checkComparable(options, existing);
  const { credential: _credential, ...own } = existing.options;
  if (isDeepStrictEqual(options, own)) return existing;
  throw new FirebaseAppError(AppErrorCodes.DUPLICATE_APP, exists);
}

/** Credentials and agents cannot be compared. */
function checkComparable(options: AppOptions, { name, options: own, hasOwnCredential }: FirebaseApp): void {
  const invoked = `Firebase app named "${name}" already exists and initializeApp was invoked with an optional`;
  const differs = `An existing app named "${name}" already exists with a different options configuration:`;
  const advice = 'Please use getApp or getApps to reuse the existing app instead.';
  if (options.httpAgent !== undefined) {
    const reason = 'The SDK cannot confirm the equality of http.Agent objects with the existing app.';
    throw invalidOptions(`${invoked} http.Agent. ${reason} ${advice}`);
  }
  if (own.httpAgent !== undefined) throw invalidOptions(`${differs} httpAgent.`);
  if (options.credential !== undefined) {
    const reason = 'The SDK cannot confirm the equality of Credential objects with the existing app.';
    throw invalidOptions(`${invoked} Credential. ${reason} ${advice}`);
  }
  if (hasOwnCredential) throw invalidOptions(`${differs} Credential.`);
}

/** @throws FirebaseAppError app/no-app */
export function getApp(appName: string = defaultName): App {
  checkName(appName);
  const found = apps.find(({ name }) => name === appName);
  if (found !== undefined) return found;
  const which =
    appName === defaultName
      ? 'The default Firebase app does not exist.'
      : `Firebase app named "${appName}" does not exist.`;
  const advice = 'Make sure you call initializeApp() before using any of the Firebase services.';
  throw new FirebaseAppError(AppErrorCodes.NO_APP, `${which} ${advice}`);
}

export function getApps(): App[] {
  return [...apps];
}

/** Waits for the messages that are under way, then closes the app's connections. */
export async function deleteApp(app: App): Promise<void> {
  if (!isObject(app) || !('options' in app)) {
    throw new FirebaseAppError(AppErrorCodes.INVALID_ARGUMENT, 'Invalid app argument.');
  }
  await getApp(app.name).delete();
}

function checkName(name: unknown): void {
  if (typeof name === 'string' && name !== '') return;
  const message = `Invalid Firebase app name "${String(name)}" provided. App name must be a non-empty string.`;
  throw new FirebaseAppError(AppErrorCodes.INVALID_APP_NAME, message);
}

function environmentOptions(): AppOptions {
  const { FIREBASE_CONFIG: config = '' } = process.env;
  if (config === '') return {};
  try {
    return JSON.parse(config.startsWith('{') ? config : readFileSync(config, 'utf8')) as AppOptions;
  } catch (error) {
    throw invalidOptions(`Failed to parse app options file: ${String(error)}`);
  }
}

function wrongOptions(name: string): string {
  return `Invalid Firebase app options passed as the first argument to initializeApp() for the app named "${name}".`;
}

function invalidOptions(message: string): FirebaseAppError {
  return new FirebaseAppError(AppErrorCodes.INVALID_APP_OPTIONS, message);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCredential(value: unknown): value is FirebaseCredential {
  return (
    typeof value === 'object' &&
    value !== null &&
    'getAccessToken' in value &&
    typeof value.getAccessToken === 'function'
  );
}
