/**
 * How a report looks: on a screen light or dark as its reader's system is, on a phone, and on paper, which is always
 * light. Text has a contrast of at least 4.5 to 1, lines and marks of 3 to 1, on each background. Outcomes and lines
 * are told by patterns and dashes as well as by colours.
 */
export const reportStyle = `
:root {
  color-scheme: light;
  --page: #ffffff; --card: #f5f6f8; --ink: #171b21; --soft: #515b69; --rule: #d5dae1; --strong-rule: #8a94a3;
  --link: #0b57b7; --grid: #dfe3e9; --mark: #6b7583;
  --accepted: #1264c4; --rejected: #b45309; --unsent: #5b6675; --unknown: #7d3bd1; --invalid: #b0195e; --limit: #0d7a6b;
  --good: #157347; --plain: #1264c4; --bad: #b42318; --busy: #7d3bd1;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --page: #101419; --card: #191f27; --ink: #e8ecf1; --soft: #a7b1be; --rule: #303945; --strong-rule: #6f7b8a;
    --link: #7db7ff; --grid: #2a323d; --mark: #8f9baa;
    --accepted: #62a8ff; --rejected: #f2a14a; --unsent: #a7b1be; --unknown: #c09bff; --invalid: #ff86b8;
    --limit: #4fd0bb;
    --good: #5dd39e; --plain: #62a8ff; --bad: #ff8b7e; --busy: #c09bff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem 1.25rem 3rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1, h2, h3, h4, p, dl, dd, figure, ol, ul { margin: 0; padding: 0; }
h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 .75rem; }
h3 { font-size: 1rem; line-height: 1.4; }
a { color: var(--link); }
code, kbd { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -999em; background: var(--page); padding: .5rem .75rem; z-index: 9; }
.skip:focus { left: .5rem; top: .5rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.kind, .soft, .when { color: var(--soft); }
.kind { font-size: .875rem; font-weight: 600; }
.when { margin-top: .25rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; margin-top: 1.25rem; font-size:
  .9375rem; }
nav a { display: inline-block; padding: .2rem 0; }

.verdict { --tone: var(--plain); margin-top: 1.25rem; padding: 1.1rem 1.25rem 1.2rem; background: var(--card);
  border: 1px solid var(--rule); border-left: 6px solid var(--tone); border-radius: 6px; }
.verdict.good { --tone: var(--good); } .verdict.bad { --tone: var(--bad); } .verdict.busy { --tone: var(--busy); }
.verdict h2 { display: flex; align-items: center; gap: .5rem; margin: 0; font-size: 1rem; color: var(--tone); }
.verdict h2 svg { flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; }
.sentence { font-size: 1.3125rem; line-height: 1.4; margin-top: .3rem; text-wrap: pretty; }
.next { margin-top: 1rem; } .next ol { margin: .35rem 0 0 1.25rem; } .next li { margin-top: .4rem; }
.command { display: block; margin-top: .35rem; padding: .55rem .75rem; background: var(--page); border: 1px solid
  var(--rule);
  border-radius: 4px; white-space: pre-wrap; user-select: all; }

.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: .75rem; }
.tiles > div { padding: .8rem 1rem .9rem; border: 1px solid var(--rule); border-radius: 6px; }
.tiles dt { font-size: .875rem; color: var(--soft); }
.tiles .figure { font-size: 1.625rem; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; }
.tiles .small { display: block; font-size: .875rem; color: var(--soft); }
.shares { display: block; width: 100%; height: 22px; margin: 1.25rem 0 .25rem; }

table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; font-size: .9375rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--rule); }
thead th { font-size: .8125rem; font-weight: 600; color: var(--soft); border-bottom-color: var(--strong-rule);
  vertical-align: bottom; }
tbody th { font-weight: 600; min-width: 8.5rem; width: 45%; overflow-wrap: anywhere; }
td p, .settings td, .log, .command, h1 { overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; } td.number { white-space: nowrap; }
.aside th, .aside td { color: var(--soft); font-weight: 400; }
tr:has(+ .notes) > * { border-bottom: 0; padding-bottom: 0; }
.notes td { padding-top: 0; color: var(--soft); } .notes p { max-width: 46rem; }
table + table, table + p { margin-top: 1.5rem; }
.swatch { width: 14px; height: 14px; margin-right: .5rem; vertical-align: -2px; }

figure { margin-top: 1.5rem; }
figcaption p { color: var(--soft); font-size: .9375rem; max-width: 46rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem .5rem; list-style: none; margin: .6rem 0 .2rem; font-size:
  .875rem; }
.legend li { display: flex; align-items: center; padding-right: .75rem; }
.legend button { display: flex; align-items: center; gap: .4rem; font: inherit; color: inherit; background: none;
  border: 1px solid var(--strong-rule); border-radius: 999px; padding: .2rem .75rem; cursor: pointer; min-height:
    1.75rem; }
.legend button[aria-pressed="false"] { text-decoration: line-through; color: var(--soft); border-style: dashed; }
.legend .sample { margin-right: .35rem; } .legend button .sample { margin: 0; }
.plot { margin-top: .5rem; }
.plot h4 { font-size: .875rem; font-weight: 600; }
.static { display: grid; grid-template-columns: 64px 1fr; padding: 10px 20px 0 0; }
.static svg { display: block; width: 100%; overflow: visible; }
.static.named { padding-top: 20px; }
.static .x-axis { grid-column: 2; }
.static text { font-size: 12px; fill: var(--soft); }
.static .y { text-anchor: end; }
.static .mark-word { fill: var(--ink); font-size: 11.5px; paint-order: stroke; stroke: var(--page); stroke-width: 3px; }
.grid, .mark, .line { fill: none; vector-effect: non-scaling-stroke; }
.grid { stroke: var(--grid); } .mark { stroke: var(--mark); stroke-dasharray: 3 3; }
.line { stroke-width: 1.75; stroke-linejoin: round; }
.line.accepted { stroke: var(--accepted); } .line.rejected { stroke: var(--rejected); }
.line.unknown { stroke: var(--unknown); } .line.limit { stroke: var(--limit); }
.area { opacity: .14; stroke: none; }
.accepted:not(.line) { fill: var(--accepted); } .rejected:not(.line) { fill: var(--rejected); }
.unknown:not(.line) { fill: var(--unknown); } .unsent:not(.line) { fill: var(--unsent); }
.invalid:not(.line) { fill: var(--invalid); } .limit:not(.line) { fill: var(--limit); }
.paper { fill: var(--page); }
.hollow { fill: var(--page); stroke: var(--unsent); stroke-width: 2; }
.live { display: none; }
.live .u-axis, .live .uplot { font: inherit; }
.reader { display: none; margin-top: .25rem; font-size: .875rem; }
.reader input { display: block; width: calc(100% - 64px - 10px); margin: 0 10px 0 58px; accent-color: var(--link);
  min-height: 1.5rem; }
.reader p { min-height: 3em; margin-top: .25rem; } .reader label { font-weight: 600; }
details { margin-top: .5rem; font-size: .9375rem; }
summary { cursor: pointer; color: var(--link); padding: .2rem 0; width: fit-content; }
details table { margin-top: .5rem; font-size: .875rem; } details tbody th { min-width: 5.5rem; } details th, details
  td { padding-top: .25rem; padding-bottom: .25rem; }
.settings tbody th { width: 14rem; font-weight: 400; color: var(--soft); }
.log { list-style: none; } .log li { padding: .35rem 0; border-bottom: 1px solid var(--rule); font-size: .9375rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--soft); font-size:
  .875rem; }

@media screen {
  .scripted .static { display: none; } .scripted .live, .scripted .reader { display: block; }
  .live { min-width: 0; width: 100%; }
}
@media (max-width: 46rem) {
  body { padding: 1rem 1rem 2rem; }
  h1 { font-size: 1.4375rem; } .sentence { font-size: 1.125rem; }
  .tiles { grid-template-columns: 1fr 1fr; } .tiles .figure { font-size: 1.3125rem; }
  .tiles > div { padding: .6rem .75rem .7rem; }
  th, td { padding-right: .5rem; } tbody th { min-width: 6.25rem; }
  .settings tbody th { width: 9rem; }
  .static { grid-template-columns: 52px 1fr; }
  .reader input { width: calc(100% - 52px - 10px); margin-left: 46px; }
}
@media (max-width: 23rem) {
  table, details table { font-size: .8125rem; } th, td { padding-right: .3rem; } tbody th, details tbody th {
    min-width: 4rem; }
}
@page { margin: 14mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip, details, .reader { display: none; }
  h2 { break-after: avoid; margin-top: 1.5rem; } caption { break-after: avoid; } figure, tbody, .verdict, .tiles >
    div, .plot { break-inside: avoid; }
  thead { display: table-header-group; break-after: avoid; } thead + tbody { break-before: avoid; }
  .tiles .figure { font-size: 1.25rem; } .tiles > div { padding: .5rem .6rem; }
  .legend button { border: 0; padding: 0; } .legend button[aria-pressed] { text-decoration: none; color: inherit; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .verdict { background: none; }
  a { color: inherit; text-decoration: none; }
}
@media (forced-colors: active) { .verdict { border-left-color: Highlight; } svg { forced-color-adjust: none; } }
`;
