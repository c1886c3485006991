/**
 * A cluster as `peal status --cluster` prints it: lines that fit the terminal, and one object for programs. Pure; main
 * thread.
 */
import { createColors } from 'picocolors';
import { counted, integer, minutesAndSeconds } from '../../base/text.js';
import type { CampaignStatus, WorkerBeat } from '../../cluster/store/cluster-store.js';
import { printable, widestText, wrapped } from '../shared/terminal.js';

/** What one look at a cluster has found. */
export interface ClusterView {
  /** Its Redis, without a password. */
  readonly place: string;
  readonly campaigns: readonly CampaignStatus[];
  readonly workers: readonly WorkerBeat[];
  /** Slices in the queue by the state of their jobs. */
  readonly queue: {
    readonly waiting: number;
    readonly active: number;
    readonly delayed: number;
    readonly failed: number;
  };
  /** Answers that the workers get in a second; null where only one look was made. */
  readonly perSecond: number | null;
  /** When, by the clock of this machine. */
  readonly atMs: number;
}

interface ClusterStyle {
  readonly columns: number;
  /** Lines that there is room for; null: any number. */
  readonly rows: number | null;
  readonly colour: boolean;
}

type Colours = ReturnType<typeof createColors>;

/** Workers that are listed however small the terminal is. */
const minListedWorkers = 3;

export function clusterLines(view: ClusterView, style: ClusterStyle): string[] {
  const colours = createColors(style.colour);
  const width = Math.min(style.columns, widestText) - 1;
  const head = headLines(view, width, colours);
  const campaigns = view.campaigns.flatMap((campaign) => ['', ...campaignLines(campaign, view, width, colours)]);
  const room = style.rows === null ? Number.POSITIVE_INFINITY : style.rows - head.length - campaigns.length - 3;
  return [...head, ...campaigns, ...workerLines(view, width, Math.max(minListedWorkers, room), colours)];
}

/** One line for programs. */
export function clusterJson({ place, campaigns, workers, queue }: ClusterView): string {
  return JSON.stringify({
    redis: place,
    campaigns: campaigns.map(({ definition: { id, title, gateway, app }, steering, slices, outcomes }) => ({
      ...{ id, title, gateway, app },
      ...{ held: steering.isHeld, paused: steering.isPaused, stopped: steering.stopped },
      ...{ ratePerSecond: steering.ratePerSecond, maxInFlight: steering.maxInFlight, slices, outcomes },
    })),
    workers,
    queue,
  });
}

function headLines({ place, workers, queue, perSecond }: ClusterView, width: number, { bold, red }: Colours): string[] {
  const sum = (of: (worker: WorkerBeat) => number): number => workers.reduce((total, worker) => total + of(worker), 0);
  const slots = sum((worker) => worker.slots);
  const figures = [
    workers.length === 0
      ? 'no workers'
      : `${counted(workers.length, 'worker')} for ${counted(slots, 'slice')} at a time`,
    counted(
      sum((worker) => worker.connections),
      'connection',
    ),
    `${integer(sum((worker) => worker.inFlight))} in flight`,
    ...(perSecond === null ? [] : [`${integer(Math.round(perSecond))}/s now`]),
  ];
  const states = [
    `${integer(queue.waiting)} waiting`,
    `${integer(queue.active)} at work`,
    ...(queue.delayed > 0 ? [`${integer(queue.delayed)} to be tried later`] : []),
  ];
  const givenUp = queue.failed > 0 ? [red(`  ${counted(queue.failed, 'slice')} given up by the queue`)] : [];
  return [
    bold(`cluster of ${printable(place)}`),
    ...wrapped(figures.join(', '), width - 2).map(indented),
    ...wrapped(`slices in the queue: ${states.join(', ')}`, width - 2).map(indented),
    ...givenUp,
  ];
}

function campaignLines(campaign: CampaignStatus, view: ClusterView, width: number, colours: Colours): string[] {
  const { definition, steering, slices, outcomes } = campaign;
  const limits = [
    ...(steering.ratePerSecond === null ? [] : [`${integer(steering.ratePerSecond)}/s`]),
    ...(steering.maxInFlight === null ? [] : [`${integer(steering.maxInFlight)} in flight`]),
  ];
  const states = [
    `${integer(slices.waiting)} waiting`,
    `${integer(slices.claimed)} at work`,
    `${integer(slices.ended)} ended and not in the books yet`,
  ];
  const waiting = outcomes === 0 ? '' : `; ${counted(outcomes, 'record')} of outcomes for the dispatcher`;
  const app = definition.app === null ? '' : `, credential of ${printable(definition.app)}`;
  return [
    ...wrapped(printable(definition.title), width).map(colours.bold),
    ...stateLines(campaign, view, width, colours),
    ...wrapped(`${printable(definition.gateway)}${app}`, width - 2).map(indented),
    ...(limits.length === 0 ? [] : [`  at most ${limits.join(', ')} in the whole cluster`]),
    ...wrapped(`slices: ${states.join(', ')}${waiting}`, width - 2).map(indented),
  ];
}

function stateLines(
  { steering, slices }: CampaignStatus,
  { workers }: ClusterView,
  width: number,
  { red, yellow, green }: Colours,
): string[] {
  const { stopped, isHeld, isPaused } = steering;
  const hasNoWorker = workers.length === 0 && slices.waiting + slices.claimed > 0;
  const [paint, state, more] =
    stopped !== null
      ? [red, 'stopped', `: ${printable(stopped.message)}`]
      : !isHeld
        ? [yellow, 'no dispatcher', ': nothing is sent until peal resume, or the same peal dispatch, goes on']
        : isPaused
          ? [yellow, 'paused', '']
          : hasNoWorker
            ? [yellow, 'running', ', and waits for a worker: peal worker starts one']
            : [green, 'running', ''];
  const [first = '', ...rest] = wrapped(`${state}${more}`, width - 2);
  return [`${paint(first.slice(0, state.length))}${first.slice(state.length)}`, ...rest].map(indented);
}

/** A table, one line for each worker. A name that is too long loses its middle. */
function workerLines({ workers, atMs }: ClusterView, width: number, limit: number, { bold, dim }: Colours): string[] {
  if (workers.length === 0) return [];
  const hidden = workers.length > limit ? workers.length - (limit - 1) : 0;
  const head = ['worker', 'slices', 'connections', 'in flight', 'accepted', 'rejected', 'runs for'];
  const rows = [...workers]
    .sort((a, b) => (a.host === b.host ? a.pid - b.pid : a.host < b.host ? -1 : 1))
    .slice(0, workers.length - hidden)
    .map((worker) => [
      printable(worker.name ?? `${worker.host} ${worker.pid}`),
      `${worker.slices.length} of ${worker.slots}`,
      ...[worker.connections, worker.inFlight, worker.accepted, worker.rejected].map(integer),
      minutesAndSeconds(Math.max(0, atMs - worker.startedMs) / 1000),
    ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const others = widths.slice(1).reduce((sum, cell) => sum + 2 + cell, 0);
  const nameWidth = Math.max(8, Math.min(widths[0]!, width - 2 - others));
  const line = ([name = '', ...cells]: readonly string[]): string =>
    `  ${shortened(name, nameWidth).padEnd(nameWidth)}${cells.map((cell, at) => `  ${cell.padStart(widths[at + 1]!)}`).join('')}`;
  const more = hidden === 0 ? [] : [dim(`  and ${counted(hidden, 'more worker')}`)];
  return ['', bold(line(head)), ...rows.map(line), ...more];
}

function shortened(name: string, width: number): string {
  if (name.length <= width) return name;
  const end = Math.ceil((width - 1) / 2);
  return `${name.slice(0, width - 1 - end)}…${name.slice(-end)}`;
}

function indented(line: string): string {
  return `  ${line}`;
}
