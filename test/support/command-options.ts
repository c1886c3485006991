/** The options of every command of peal, for tests of the texts that name them. */
import { resumeOptions } from '../../src/cli/campaign/campaign-options.js';
import { statusOptions } from '../../src/cli/campaign/status-options.js';
import { broadcastOptionGroups } from '../../src/cli/channels/broadcast-options.js';
import {
  createChannelsGroups,
  listChannelsGroups,
  readChannelGroups,
  removeChannelsGroups,
} from '../../src/cli/channels/channels-options.js';
import { dispatchOptionGroups } from '../../src/cli/cluster/dispatch-options.js';
import { workerOptionGroups } from '../../src/cli/cluster/worker-options.js';
import { printOptionGroups } from '../../src/cli/config/config-options.js';
import {
  addOptionGroups,
  listOptionGroups,
  migrateOptionGroups,
  removeOptionGroups,
  rotateOptionGroups,
} from '../../src/cli/credentials/credentials-options.js';
import { demoOptions } from '../../src/cli/demo/demo-options.js';
import { doctorOptionGroups } from '../../src/cli/doctor/doctor-options.js';
import { feedbackOptionGroups } from '../../src/cli/feedback/feedback-options.js';
import { sendOptionGroups } from '../../src/cli/send/send-options.js';
import { serveOptionGroups } from '../../src/cli/serve/serve-options.js';
import type { OptionGroup } from '../../src/cli/shared/option-values.js';
import { simulateOptionGroups } from '../../src/cli/simulate/simulate-options.js';

/** By the name of the command. */
export const commandOptions: Readonly<Record<string, readonly OptionGroup[]>> = {
  send: sendOptionGroups(),
  dispatch: dispatchOptionGroups(),
  worker: workerOptionGroups(),
  serve: serveOptionGroups(),
  feedback: feedbackOptionGroups(),
  simulate: simulateOptionGroups(),
  demo: demoOptions(),
  doctor: doctorOptionGroups(),
  status: statusOptions(),
  resume: resumeOptions(),
  // Of all its actions.
  credentials: [
    ...[listOptionGroups(), addOptionGroups(), rotateOptionGroups()],
    ...[removeOptionGroups(), migrateOptionGroups()],
  ].flat(),
  channels: [createChannelsGroups(), readChannelGroups(), listChannelsGroups(), removeChannelsGroups()].flat(),
  broadcast: broadcastOptionGroups(),
  // Of all its actions.
  config: printOptionGroups(),
  rate: [],
  pause: [],
  report: [],
  completion: [],
};

export const flagsOf = (groups: readonly OptionGroup[]): string[] =>
  groups.flatMap(({ options }) => options.map(({ long }) => long!));

/** What is wrong with a command line that begins with `peal`; null where nothing is, or it is of another program. */
export function pealFaultOf(command: string): string | null {
  const [, name, rest = ''] = /^(?:npx )?peal (\S+)(.*)$/s.exec(command) ?? [];
  if (name === undefined) return null;
  const groups = commandOptions[name];
  if (groups === undefined) return `there is no command peal ${name}`;
  const known = new Set([...flagsOf(groups), '--config']);
  const unknown = (rest.match(/(?<=\s)--[a-z][a-z-]*/g) ?? []).filter((flag) => !known.has(flag));
  return unknown.length === 0 ? null : `peal ${name} has no ${unknown.join(', ')}`;
}
