/**
 * Tells for the recipients of a block whose hours are open now. Called by the feed; main thread.
 */
import { escapeUnprintable } from '../../base/text.js';
import { cellText, type Rows } from '../../session/recipients/rows.js';
import { type LocalWindow, LocalWindowClock } from '../control/local-window.js';
import type { LocalHours } from './campaign-options.js';

/** Rows by index. */
interface HoursOfRows {
  readonly open: Uint16Array;
  readonly closed: Uint16Array;
  readonly invalid: readonly { readonly index: number; readonly why: string }[];
  /** Milliseconds until the first closed one opens; infinite where none is closed. */
  readonly opensInMs: number;
}

export class LocalHoursOfRows {
  readonly #clock: LocalWindowClock;
  readonly #column: string;

  constructor({ window, timezoneColumn }: LocalHours & { readonly window: LocalWindow }) {
    this.#clock = new LocalWindowClock(window);
    this.#column = timezoneColumn;
  }

  /** @param due the rows that are asked about, by index; null: all */
  look(rows: Rows, due: Uint16Array | null, wallMs: number): HoursOfRows {
    const column = rows.columns.get(this.#column);
    const open: number[] = [];
    const closed: number[] = [];
    const invalid: { index: number; why: string }[] = [];
    let opensInMs = Number.POSITIVE_INFINITY;
    const total = due?.length ?? rows.count;
    for (let place = 0; place < total; place++) {
      const index = due === null ? place : due[place]!;
      const zone = column === undefined ? null : cellText(column, index);
      const inMs = zone === null ? null : this.#clock.opensInMs(zone.trim(), wallMs);
      if (inMs === 0) open.push(index);
      else if (inMs === null) invalid.push({ index, why: this.#problem(zone) });
      else {
        closed.push(index);
        opensInMs = Math.min(opensInMs, inMs);
      }
    }
    return { open: Uint16Array.from(open), closed: Uint16Array.from(closed), invalid, opensInMs };
  }

  #problem(zone: string | null): string {
    const column = escapeUnprintable(this.#column, 40);
    if (zone === null) return `has no ${column}, by which its hours are told`;
    return `has a ${column} that is not a time zone such as Europe/Berlin`;
  }
}
