/** Comments are taken out of modules, and nothing that looks like one. */
import assert from 'node:assert/strict';
import { withoutComments } from '../../scripts/comments.js';

const cases: readonly (readonly [string, string, string])[] = [
  ['a head', '/** What it owns. */\nimport a from "b";\n', 'import a from "b";\n'],
  ['a line', 'a();\n// why\nb();\n', 'a();\nb();\n'],
  ['an indented line', 'if (a) {\n    // why\n    b();\n}\n', 'if (a) {\n    b();\n}\n'],
  ['the end of a line', 'a(); // why\nb();\n', 'a();\nb();\n'],
  ['within a call', 'a(/* first */ 1, 2 /* second */);\n', 'a( 1, 2);\n'],
  ['between words', 'return/* why */value;\n', 'return value;\n'],
  ['the address of a map', 'a();\n//# sourceMappingURL=a.js.map', 'a();\n'],
  ['but not a shebang', '#!/usr/bin/env node\n// why\na();\n', '#!/usr/bin/env node\na();\n'],
  ['but not of strings', 'a("// no", \'/* no */\');\n', 'a("// no", \'/* no */\');\n'],
  [
    'but not of templates',
    'a(`// no $' + '{b /* yes */} /* no */\n// no`);\n',
    'a(`// no $' + '{b} /* no */\n// no`);\n',
  ],
  ['but not of expressions', 'a(/[/*]/, /\\/\\//); // yes\n', 'a(/[/*]/, /\\/\\//);\n'],
  ['but not of a URL in a comment', '/* see https://a.example/b */ a();\n', 'a();\n'],
  ['but not for bundlers', 'import(/* webpackIgnore: true */ a);\n', 'import(/* webpackIgnore: true */ a);\n'],
];

describe('comments of a module', () => {
  for (const [what, text, bare] of cases) {
    it(`are taken out: ${what}`, () => assert.equal(withoutComments('module.js', text), bare));
  }
});
