/** Octets written down as hex with blanks and notes, as byte vectors are annotated. */

/** The octets of all lines; what stands behind `//` in a line is a note. */
export function octets(annotated: string): Uint8Array {
  const digits = annotated.replace(/\/\/.*$/gm, '').replace(/\s+/g, '');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
