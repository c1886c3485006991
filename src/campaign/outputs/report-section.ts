/** What the parts of a report have in common. */
import type { Html } from './html.js';

/** A part of the page that can be gone to. */
export interface Section {
  readonly id: string;
  readonly heading: string;
  readonly content: Html;
}
