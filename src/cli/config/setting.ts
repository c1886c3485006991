/**
 * A setting with its source, and the order of sources. Shared by the files that collect settings. Pure; main thread.
 */
import type { SettingDefinition } from './definitions.js';

/** Where a setting comes from; the later one has precedence. */
export const ranks = {
  /** At the top of the file. */
  shared: 1,
  /** In the section of the command. */
  section: 2,
  /** In the section of an action, within that of its command. */
  action: 3,
  variable: 4,
  /** PEAL_SEND_… */
  variableOfCommand: 5,
  /** The command line. */
  flag: 6,
} as const;

export type Rank = (typeof ranks)[keyof typeof ranks];

/** Where somebody would look for it. */
type SettingPlace =
  | { readonly kind: 'flag' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly file: string; readonly line: number };

export interface Setting {
  readonly definition: SettingDefinition;
  readonly rank: Rank;
  readonly place: SettingPlace;
  /**
   * Its texts, one for each time that the option is given; a switch that is on or off. Null: it is not written to a
   * command line, because the command reads it where it is.
   */
  readonly value: readonly string[] | boolean | null;
}

/** A place in a sentence: `peal.config.yaml, line 3`. */
export function placeText(place: SettingPlace): string {
  if (place.kind === 'file') return `${place.file}, line ${place.line}`;
  return place.kind === 'variable' ? place.name : 'the command line';
}
