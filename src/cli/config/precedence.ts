/**
 * Decides which settings hold: those of the source with precedence, and of the others those that can stand beside them.
 * Pure; main thread. docs/configuration.md describes the rules.
 */
import { isFcmAddress } from '../../fcm/address.js';
import { usageError } from '../shared/terminal.js';
import type { SettingDefinition, SettingDefinitions } from './definitions.js';
import { placeText, ranks, type Setting } from './setting.js';

/** A setting that does not hold, and why: the rest of a sentence that begins with it. */
export interface LeftOut {
  readonly setting: Setting;
  readonly why: string;
}

interface SettingsInForce {
  /** In the order of the command's options. */
  readonly kept: readonly Setting[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * @param given those of the command line
 * @param others those of the file and the environment
 */
export function settingsInForce(
  definitions: SettingDefinitions,
  given: readonly Setting[],
  others: readonly Setting[],
): SettingsInForce {
  const leftOut: LeftOut[] = [];
  let kept: Setting[] = [...given];
  const drop = (setting: Setting, why: string): void => {
    leftOut.push({ setting, why });
  };
  const service = serviceOf(definitions, [...given, ...others]);
  // First of all: what is for the other service takes the place of nothing.
  const meant = others.flatMap((setting) => {
    const why = outOfService(setting, service);
    if (why === null) return [setting];
    // The gateway of FCM, beside one of APNs, is the one gateway where all goes to FCM.
    if (service === 'fcm' && setting.definition.name === 'fcmGateway') {
      return [{ ...setting, definition: definitions.get('gateway')! }];
    }
    drop(setting, why);
    return [];
  });
  for (const setting of meant.toSorted((a, b) => b.rank - a.rank)) {
    const { name } = setting.definition;
    const before = kept.find((one) => one.definition.name === name);
    const against = kept.find((one) => one.rank > setting.rank && isConflict(one, setting));
    if (before !== undefined) drop(setting, `${placeText(before.place)} has precedence`);
    else if (against !== undefined) drop(setting, `it does not go with ${shown(against)}`);
    else kept.push(setting);
  }
  const followers = kept.flatMap((setting) => {
    const why = setting.rank === ranks.flag ? null : withoutLeader(setting, kept, meant);
    return why === null ? [] : [{ setting, why }];
  });
  leftOut.push(...followers);
  kept = kept.filter((setting) => !followers.some((one) => one.setting === setting));
  const order = [...definitions.keys()];
  const place = ({ definition }: Setting): number => order.indexOf(definition.name);
  return { kept: kept.sort((a, b) => place(a) - place(b)), leftOut };
}

function isConflict(one: Setting, other: Setting): boolean {
  if (one.value === false || other.value === false) return false;
  const [a, b] = [one.definition, other.definition];
  return isAgainst(a, b) || isAgainst(b, a);
}

function isAgainst({ name, conflicts }: SettingDefinition, other: SettingDefinition): boolean {
  return conflicts.includes(other.name) || (stores.has(name) && ofOneApp.has(other.name));
}

/** A store has the credential of each app, and these are one credential. */
const stores: ReadonlySet<string> = new Set(['store', 'credentials']);
const ofOneApp: ReadonlySet<string> = new Set([
  'key',
  'keyId',
  'teamId',
  'cert',
  'certKey',
  'pfx',
  'providerTokenFile',
]);

/** Throws PealError ERR_PEAL_OPTION where two that hold cannot stand beside each other. */
export function checkTogether(kept: readonly Setting[]): void {
  for (const [at, one] of kept.entries()) {
    const other = kept.slice(at + 1).find((later) => isConflict(one, later));
    if (other !== undefined) throw usageError(`${shown(one)} and ${shown(other)} do not go together: remove one.`);
  }
}

/**
 * Throws PealError ERR_PEAL_OPTION where messages would go to Apple or Google though a setting names another place,
 * which is of the other service. A name (`production`, `fcm`) is left out without a word.
 */
export function checkDestination({ kept, leftOut }: SettingsInForce): void {
  const isSaid = kept.some(({ definition: { name } }) => name === 'gateway' || name === 'environment');
  const place = leftOut.find(({ why, setting }) => otherGateways.has(why) && /[:/]/.test(textOf(setting)));
  if (isSaid || place === undefined) return;
  const { setting, why } = place;
  const instead = isFcmAddress(textOf(setting)) ? '--environment production' : '--gateway fcm';
  throw usageError(`${shown(setting)} does not hold, because ${why}: give the gateway, or ${instead}.`);
}

function shown({ definition, place }: Setting): string {
  return `${definition.flag} (${placeText(place)})`;
}

/** The service that a command goes to; null where it goes to both, and for a command that has no choice. */
type Service = 'apns' | 'fcm' | null;

/** Said by the one of `--provider` and `--platform-column` that has precedence. */
function serviceOf(definitions: SettingDefinitions, settings: readonly Setting[]): Service {
  const provider = definitions.get('provider');
  if (provider === undefined) return null;
  const [first] = settings
    .filter(({ definition: { name } }) => name === 'provider' || name === 'platformColumn')
    .sort((a, b) => b.rank - a.rank);
  if (first?.definition.name === 'platformColumn') return null;
  const goesToBoth = provider.choices?.includes('both') === true;
  const said = first === undefined ? (goesToBoth ? 'both' : 'apns') : textOf(first);
  return said === 'apns' || said === 'fcm' ? said : null;
}

/** Settings that one service alone has. A file, or an environment, may have those of both. */
const ofApns: ReadonlySet<string> = new Set([
  ...['key', 'keyId', 'teamId', 'providerTokenFile', 'cert', 'certKey', 'pfx', 'identity', 'environment', 'topic'],
  'fcmGateway',
]);
const ofFcm: ReadonlySet<string> = new Set(['serviceAccount', 'project', 'fcmGateway', 'fcmQuota']);

const apnsGateway = 'it is a gateway of APNs, and this goes to FCM';
const fcmGateway = 'it is a gateway of FCM, and this goes to APNs';
const otherGateways: ReadonlySet<string> = new Set([apnsGateway, fcmGateway]);

/** Why a setting is not for that service; null where it is. The address of a gateway says which one it is of. */
function outOfService(setting: Setting, service: Service): string | null {
  const { name } = setting.definition;
  if (service === null) return null;
  const isFcmGateway = name === 'gateway' && isFcmAddress(textOf(setting));
  if (name === 'gateway' && isFcmGateway !== (service === 'fcm')) return isFcmGateway ? fcmGateway : apnsGateway;
  if (name === 'gateway') return null;
  if (service === 'apns') return ofFcm.has(name) ? 'it is for FCM, and this goes to APNs' : null;
  return ofApns.has(name) ? 'it is not for FCM' : null;
}

function textOf({ value }: Setting): string {
  return Array.isArray(value) ? String(value[0]) : '';
}

/** Settings that say more about another one, which has to be there. */
const leaders: Readonly<Record<string, readonly string[]>> = {
  certKey: ['cert'],
  identity: ['cert', 'pfx'],
  metricsHost: ['metricsPort'],
  metricsLinger: ['metricsPort'],
  redisCa: ['redis'],
  sealKeyFile: ['store', 'credentials'],
};

/** The key of a certificate belongs to the certificate beside it, and not to another one that has precedence. */
function withoutLeader(setting: Setting, kept: readonly Setting[], others: readonly Setting[]): string | null {
  const { name } = setting.definition;
  const wanted = Object.hasOwn(leaders, name) ? leaders[name]! : null;
  if (wanted === null) return null;
  const leader = kept.find(({ definition }) => wanted.includes(definition.name));
  if (leader === undefined) return `there is no ${wanted.map((one) => `setting ${one}`).join(' or ')} for it`;
  if (leader.rank <= setting.rank || (name !== 'certKey' && name !== 'identity')) return null;
  const own = others.find(({ definition, rank }) => rank === setting.rank && wanted.includes(definition.name));
  return own === undefined ? null : `it belongs to ${shown(own)}, in whose place ${shown(leader)} holds`;
}
