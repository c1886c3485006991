/** From what tmux prints to the SVG: styles, scenes, and how a scene becomes visible. */
import assert from 'node:assert/strict';
import { type Frame, filmOf } from '../../scripts/picture/film.js';
import { linesOf } from '../../scripts/picture/styled-text.js';
import { svgOf } from '../../scripts/picture/svg.js';
import { faultsOf } from './svg-faults.js';

const surroundings = { columns: 20, rows: 3, title: 'a <title>', description: 'said & done' };

const frame = (ms: number, rows: string, cursor: Frame['cursor'] = null): Frame => ({
  ms,
  rows: linesOf(rows),
  cursor,
});

describe('a line of a terminal', () => {
  it('has its spans at their columns', () => {
    const [line] = linesOf('a \x1b[1;32mgreen━\x1b[0m end');
    assert.equal(line!.text, 'a green━ end');
    assert.deepEqual(
      line!.spans.map(({ column, text, style }) => [column, text, style.bold, style.colour]),
      [
        [0, 'a ', false, null],
        [2, 'green━', true, 2],
        [8, ' end', false, null],
      ],
    );
  });

  it('begins in the style that the line above ended in', () => {
    const [, second] = linesOf('\x1b[2mfirst\nsecond\x1b[22m plain');
    assert.deepEqual(
      second!.spans.map(({ style }) => style.dim),
      [true, false],
    );
  });

  it('is refused where a picture could not show it', () => {
    assert.throws(() => linesOf('\x1b[38;5;200mpink'), /SGR 38/);
  });
});

describe('a film', () => {
  it('has each line from when it appeared until it changed', () => {
    const { durationMs, lines } = filmOf([frame(0, '$'), frame(100, '$\n1 %'), frame(200, '$\n2 %')], 1000);
    assert.equal(durationMs, 1200);
    assert.deepEqual(
      lines.map(({ row, fromMs, untilMs, isLast, content }) => [row, fromMs, untilMs, isLast, content[0]!.text]),
      [
        [0, 0, 1200, true, '$'],
        [1, 100, 200, false, '1 %'],
        [1, 200, 1200, true, '2 %'],
      ],
    );
  });

  it('has the cursor where it stood, and none while it was hidden', () => {
    const at = { column: 2, row: 0 };
    const { cursors } = filmOf([frame(0, '$', at), frame(50, '$ ', at), frame(100, '$'), frame(200, '$', at)], 100);
    assert.deepEqual(
      cursors.map(({ fromMs, untilMs, isLast, content }) => [fromMs, untilMs, isLast, content]),
      [
        [0, 100, false, 2],
        [200, 300, true, 2],
      ],
    );
  });

  it('becomes a well-formed SVG in which what is there at the end is visible without animation', () => {
    const svg = svgOf(filmOf([frame(0, 'a < b'), frame(100, '\x1b[31mc & d')], 400), surroundings);
    assert.deepEqual(faultsOf(svg), []);
    assert.match(svg, /<text x="16" y="30">a &lt; b<set attributeName="visibility" to="visible" begin="t.begin\+0ms"/);
    assert.match(svg, /<text class="l" x="16" y="30"><tspan x="16" class="c1">c &amp; d<\/tspan><set [^>]*to="hidden"/);
    assert.match(svg, /<title id="title">a &lt;title&gt;<\/title>\n<desc id="desc">said &amp; done<\/desc>/);
  });
});

describe('faults of an SVG', () => {
  it('are found', () => {
    const svg = (inner: string): string => `<svg xmlns="http://www.w3.org/2000/svg">${inner}</svg>`;
    assert.deepEqual(faultsOf(svg('<g/>')), []);
    for (const inner of [
      '<g>',
      '<g></text>',
      '<g a=b/>',
      'a & b',
      'a < b',
      '<script>1</script>',
      '<g onload="x()"/>',
      '<image href="x.png"/>',
      '<a xlink:href="x"/>',
      '<style>@import "x";</style>',
      '<style>g{fill:url(x)}</style>',
      '<style>@font-face{}</style>',
      '<g filter="https://example.com/"/>',
      '<foreignObject/>',
    ])
      assert.notDeepEqual(faultsOf(svg(inner)), [], inner);
  });
});
