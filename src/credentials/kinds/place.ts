/**
 * Where a credential belongs: an app, and one of Apple's two environments. Pure; any thread. Used by stores, which make
 * names of files and keys of it, and by those who ask them.
 */
import { isTopicForm } from '../../apns/push-type.js';
import { maxTopicCharacters } from '../../base/limits.js';
import { checkOption } from '../../base/options.js';

/** Which of Apple's two environments a credential is for. Development is the one of the sandbox gateways. */
export type CredentialEnvironment = 'production' | 'development';

export interface CredentialPlace {
  /** The bundle id of the app, which is the topic of its notifications. */
  readonly app: string;
  readonly environment: CredentialEnvironment;
}

/** Names a place in sentences: `com.example.app (production)`. */
export function placeName({ app, environment }: CredentialPlace): string {
  return `${app} (${environment})`;
}

/** Returns the environment by its name; `sandbox` is another name of development. Null for any other text. */
export function environmentOf(name: unknown): CredentialEnvironment | null {
  if (name === 'sandbox') return 'development';
  return name === 'production' || name === 'development' ? name : null;
}

/** Returns whether `app` is a bundle id, and so neither a path nor a pattern. */
export function isAppName(app: unknown): app is string {
  return typeof app === 'string' && app.length <= maxTopicCharacters && isTopicForm(app);
}

/**
 * Returns the place, checked. Its app is safe in names of files and keys.
 *
 * @throws PealError ERR_PEAL_OPTION
 */
export function checkPlace(app: unknown, environment: unknown): CredentialPlace {
  const allowed = 'a bundle id: letters, digits, "-", and "." except at the beginning';
  checkOption('app', app, { kind: 'test', is: isAppName, allowed });
  const known = environmentOf(environment);
  const choices = 'production, development or sandbox';
  checkOption('environment', environment, { kind: 'test', is: () => known !== null, allowed: choices });
  return { app: app as string, environment: known! };
}
