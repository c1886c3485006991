/**
 * The settings that stand at the top of a configuration file, and in variables without the name of a command: each
 * holds for every command that has an option of that name and meaning. Made from the option tables that the commands
 * share. Pure; main thread.
 */
import type { Option } from 'commander';
import { bundleIdOption } from '../channels/service-flags.js';
import { sendOptionGroups } from '../send/send-options.js';
import { clusterOptions } from '../shared/cluster-options.js';
import { certificateOptions, providerKeyOptions } from '../shared/credential-options.js';
import { gatewayOptions } from '../shared/gateway-flags.js';
import { linkOptions } from '../shared/link-flags.js';
import { logOptions } from '../shared/log-flags.js';
import { metricsOptions } from '../shared/metrics-flags.js';
import { retryOptions } from '../shared/retry-flags.js';
import { storeOptions } from '../shared/store-options.js';
import { definitionsOfOptions, type SettingDefinitions } from './definitions.js';

/** Options of `peal send` that others have, too, and that no table of their own lists. */
const ofSend: ReadonlySet<string> = new Set([
  ...['--topic', '--threads', '--max-connections', '--service-account', '--project', '--fcm-gateway', '--fcm-quota'],
]);

let definitions: SettingDefinitions | null = null;

export function sharedDefinitions(): SettingDefinitions {
  definitions ??= definitionsOfOptions(sharedOptions());
  return definitions;
}

function sharedOptions(): Option[] {
  const options = sendOptionGroups().flatMap((group) => group.options);
  return [
    ...gatewayOptions('another gateway: https://HOST:PORT, binary://HOST:PORT, or a name'),
    ...providerKeyOptions(),
    ...certificateOptions(),
    ...options.filter(({ long }) => ofSend.has(long ?? '')),
    bundleIdOption(),
    ...linkOptions(),
    ...retryOptions('recipient', '60s'),
    ...metricsOptions({ ends: true }),
    ...logOptions(),
    ...storeOptions(),
    ...clusterOptions(),
  ];
}

/** What a command calls by a shared name and means by it something else. Null: everything. */
const ownMeaning: Readonly<Record<string, readonly string[] | null>> = {
  // Gateways of other services.
  channels: ['gateway'],
  feedback: ['gateway'],
  // They are the other side.
  simulate: null,
  demo: null,
};

/** Whether a command means by `name` what others mean by it. */
export function isCommonMeaning(command: string, name: string): boolean {
  const own = Object.hasOwn(ownMeaning, command) ? ownMeaning[command]! : [];
  return own !== null && !own.includes(name);
}
