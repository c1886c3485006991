/**
 * When a campaign has done enough damage: bounds of failures, of their share, of time, and reasons that end it. A pure
 * judge, asked whenever outcomes come in; main thread.
 */
import { durationText } from '../../base/duration.js';
import { nearestName } from '../../base/nearest-name.js';
import { counted, escapeUnprintable, integer } from '../../base/text.js';
import { option, theOption } from '../../base/wording.js';
import type { Protocol } from '../../push/address.js';
import { pushProtocolOf } from '../../push-services/push-protocols.js';

export interface Bounds {
  /** Recipients that may fail (rejected or unknown) before the campaign stops. */
  readonly maxFailures?: number;
  /** The share of the latest answers that may be rejections, 0 to 1. */
  readonly maxErrorRate?: number;
  /** Milliseconds from the start of this run. */
  readonly maxDurationMs?: number;
  /** Reasons of rejections that stop it at once. */
  readonly stopOn?: readonly string[];
}

/** What is wrong with the reasons of `stopOn`, as a sentence with the marks of base/wording; null where nothing is. */
export function reasonsProblem(stopOn: readonly string[], protocols: readonly Protocol[]): string | null {
  const known = protocols.flatMap((protocol) => [...pushProtocolOf(protocol).reasons.keys()]);
  const unknown = stopOn.find((reason) => !known.includes(reason));
  if (unknown === undefined) return null;
  const nearest = nearestName(unknown, known);
  const advice =
    nearest === null ? `give reasons as the gateway answers them, such as ${known[0]}.` : `did you mean ${nearest}?`;
  return `${theOption('stopOn')}: "${escapeUnprintable(unknown, 40)}" is not known; ${advice}`;
}

/** Answers that the share is counted over: about so many of the latest. */
const windowAnswers = 1000;
/** Fewer answers say nothing of a share. */
const minAnswers = 200;

/** What happened since the last look. */
interface OutcomesOfLate {
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  /** Rejections by reason. */
  readonly reasons: ReadonlyMap<string, number>;
}

export class BoundsJudge {
  readonly #bounds: Bounds;
  #failures = 0;
  /** Answers and rejections, in which older ones count for less and less. */
  #answers = 0;
  #rejections = 0;
  #seenAnswers = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** @returns why the campaign has to stop, as a sentence with the marks of base/wording; null where it goes on */
  note(late: OutcomesOfLate): string | null {
    const { maxFailures, maxErrorRate, stopOn } = this.#bounds;
    for (const reason of stopOn ?? []) {
      const count = late.reasons.get(reason) ?? 0;
      if (count > 0)
        return `${reason} was answered (${option('stopOn')}), ${count === 1 ? 'once' : `${integer(count)} times`}.`;
    }
    this.#failures += late.rejected + late.unknown;
    if (maxFailures !== undefined && this.#failures > maxFailures) {
      const failed = `${counted(this.#failures, 'recipient')} had failed when this was noticed`;
      return `${failed}, more than the ${integer(maxFailures)} allowed (${option('maxFailures')}).`;
    }
    this.#forget(late.accepted + late.rejected);
    this.#answers += late.accepted + late.rejected;
    this.#rejections += late.rejected;
    this.#seenAnswers += late.accepted + late.rejected;
    if (maxErrorRate === undefined || this.#seenAnswers < minAnswers) return null;
    const share = this.#rejections / this.#answers;
    if (share <= maxErrorRate) return null;
    return `${percent(share)} of the latest answers were rejections, more than the ${percent(maxErrorRate)} allowed (${option('maxErrorRate')}).`;
  }

  /** The same for the time that the run has taken. */
  noteTime(elapsedMs: number): string | null {
    const { maxDurationMs } = this.#bounds;
    if (maxDurationMs === undefined || elapsedMs < maxDurationMs) return null;
    return `The run has taken ${maxDurationMs % 1000 === 0 ? durationText(maxDurationMs / 1000) : `${maxDurationMs} ms`} (${option('maxDurationMs')}).`;
  }

  /** Makes room for `coming` answers: what is older counts for less. */
  #forget(coming: number): void {
    const room = Math.max(0, windowAnswers - coming);
    if (this.#answers <= room) return;
    const keep = room / this.#answers;
    this.#answers *= keep;
    this.#rejections *= keep;
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
