/** What keeps an SVG from being shown in an <img> on GitHub: that it is not well-formed, or that it is not alone. */

const tag = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
const text = /[^<&]+|&(?:amp|lt|gt|quot|apos);/y;

/** A name space is not fetched. */
const nameSpace = 'xmlns="http://www.w3.org/2000/svg"';

const strangers: Readonly<Record<string, RegExp>> = {
  'a script': /<script/i,
  'a handler of events': /\son\w+=/i,
  'a reference': /\b(?:xlink:)?href=/i,
  'an import': /@import/i,
  'a url()': /url\(/i,
  'a font': /@font-face/i,
  'foreign markup': /<foreignObject|<iframe|<image|<use/i,
  // A text may be one.
  'an address in an attribute': /="[^"]*:\/\//,
};

export function faultsOf(svg: string): string[] {
  const alone = svg.replace(nameSpace, '');
  const found = Object.entries(strangers).filter(([, pattern]) => pattern.test(alone));
  return [...found.map(([name]) => `It has ${name}.`), ...malformationsOf(svg)];
}

/** Reads tags and text one after the other; XML of the kind that our script writes, and no other. */
function malformationsOf(svg: string): string[] {
  const open: string[] = [];
  const end = svg.trimEnd().length;
  let at = 0;
  let elements = 0;
  while (at < end) {
    tag.lastIndex = at;
    text.lastIndex = at;
    const element = tag.exec(svg);
    if (element !== null) {
      const [, isEnd, name, , isEmpty] = element;
      if (isEnd !== '') {
        const opened = open.pop();
        if (opened !== name) return [`</${name}> ends <${opened}>.`];
      } else if (isEmpty === '') open.push(name!);
      if (elements > 0 && open.length === 0 && tag.lastIndex < end) return ['Something follows its end.'];
      elements++;
      at = tag.lastIndex;
    } else if (open.length > 0 && text.test(svg)) at = text.lastIndex;
    else return [`It cannot be read at ${svg.slice(at, at + 40)}`];
  }
  return open.length === 0 ? [] : [`<${open.at(-1)}> has no end.`];
}
