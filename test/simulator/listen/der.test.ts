/** The pieces of DER, octet by octet. */
import assert from 'node:assert/strict';
import { unsignedInteger } from '../../../src/simulator/listen/der.js';

describe('simulator: DER', () => {
  it('writes unsigned integers in as few octets as hold them', () => {
    const cases: [octets: number[], der: number[]][] = [
      [[0x05], [0x02, 1, 0x05]],
      [[0x80], [0x02, 2, 0x00, 0x80]],
      [
        [0x00, 0x05],
        [0x02, 1, 0x05],
      ],
      [
        [0x00, 0x00, 0x80],
        [0x02, 2, 0x00, 0x80],
      ],
      [
        [0x00, 0x00],
        [0x02, 1, 0x00],
      ],
    ];
    for (const [octets, der] of cases) assert.deepEqual([...unsignedInteger(Uint8Array.from(octets))], der);
  });
});
