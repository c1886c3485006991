/** The colours of a report: contrast as WCAG 2.2 AA asks for (1.4.3, 1.4.11), in light and in dark. */
import assert from 'node:assert/strict';
import { reportStyle } from '../../../src/campaign/report/report-style.js';

type Colours = ReadonlyMap<string, string>;

function coloursOf(block: string): Colours {
  return new Map([...block.matchAll(/--([a-z-]+):\s+(#[0-9a-f]{6})/g)].map(([, name, colour]) => [name!, colour!]));
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

const [light, dark] = [...reportStyle.matchAll(/:root \{[^}]*\}/g)].map(([block]) => coloursOf(block));

describe('the colours of a report', () => {
  for (const [mode, colours] of Object.entries({ light: light!, dark: dark! })) {
    const between = (name: string, ground: string): number => contrast(colours.get(name)!, colours.get(ground)!);

    it(`have a contrast of 4.5 to 1 for text: ${mode}`, () => {
      for (const name of ['ink', 'soft', 'link', 'good', 'plain', 'bad', 'busy']) {
        for (const ground of ['page', 'card']) {
          assert.ok(between(name, ground) >= 4.5, `${name} on ${ground}: ${between(name, ground)}`);
        }
      }
    });

    it(`have a contrast of 3 to 1 for lines, marks, outcomes and borders of buttons: ${mode}`, () => {
      const names = ['accepted', 'rejected', 'unsent', 'unknown', 'invalid', 'limit', 'mark', 'strong-rule'];
      for (const name of names) assert.ok(between(name, 'page') >= 3, `${name}: ${between(name, 'page')}`);
    });
  }

  it('are the same names in both', () => {
    assert.deepEqual([...light!.keys()].sort(), [...dark!.keys()].sort());
    assert.ok(light!.size > 15);
  });
});
