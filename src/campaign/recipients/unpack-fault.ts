/**
 * What is wrong with packed data. Thrown by gunzip and unzstd, put into words by read-source.
 */

/** Formats that are unpacked. */
export type Packing = 'gzip' | 'zstd';

/**
 * What is wrong: "cut": the data ends too soon, and all that was unpacked is right as far as it goes; "damaged": any of
 * it may be wrong; "trailing": something else follows, and all that was unpacked is right; "large": it needs more
 * memory than is given to it.
 */
export class UnpackFault extends Error {
  /** Whether what was unpacked ends where the packed text did: a last line without its end is whole. */
  readonly isEnded: boolean;

  constructor(
    readonly packing: Packing,
    readonly kind: 'cut' | 'damaged' | 'trailing' | 'large',
    { isEnded = false, cause }: { isEnded?: boolean; cause?: unknown } = {},
  ) {
    super(`${packing}: ${kind}`, { cause });
    this.isEnded = isEnded;
  }
}
