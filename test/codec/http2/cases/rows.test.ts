/**
 * The list of what a correct HTTP/2 client must do, by its rows: A preface and frame layer, B HPACK, C streams and
 * answers, D SETTINGS, E flow control, F field blocks, PING, GOAWAY and the end, G our own output. Each row has cases
 * in the files beside this one, and a case says in its name which row it belongs to.
 */
import assert from 'node:assert/strict';
import { casesOfRows } from '../../../support/peer-cases.js';
import './a-frames.js';
import './b-hpack.js';
import './c-streams.js';
import './c-answers.js';
import './d-settings.js';
import './e-flow-control.js';
import './f-connection.js';
import './g-own-output.js';

const lengths: Record<string, number> = { A: 11, B: 13, C: 20, D: 10, E: 7, F: 11 };

describe('codec/http2/cases: all rows', () => {
  it('have at least one case each: A1 to A11, B1 to B13, C1 to C20, D1 to D10, E1 to E7, F1 to F11, G', () => {
    const rows = Object.entries(lengths).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
    );
    rows.push('G');
    const missing = rows.filter((id) => !casesOfRows.has(id));
    assert.deepEqual(missing, []);
    assert.deepEqual(
      [...casesOfRows.keys()].filter((id) => !rows.includes(id)),
      [],
    );
    const cases = [...casesOfRows.values()].reduce((sum, count) => sum + count, 0);
    console.log(`      ${cases} cases in ${rows.length} rows`);
  });
});
