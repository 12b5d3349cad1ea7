/** The report page's style sheet: light and dark by the reader's setting, one column that fits a phone, and paper. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f5f6f8; --text: #1c2330; --muted: #5b6575; --line: #d5dae2; --link: #0b5cad;
  --mark: #0b5cad; --mark-rest: #a9b6c6; --bad: #c3271b;
  --kind-propose: #7d4fc0; --kind-unadapted: #7a8494; --kind-fine-tune: #0b5cad; --kind-evaluate: #1f8a5b; --kind-m-step: #b85f0a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --panel: #1a2029; --text: #e6eaf0; --muted: #a3adbb; --line: #343d4a; --link: #8cc4fa;
    --mark: #6db3f8; --mark-rest: #4d5a6b; --bad: #ff8a80;
    --kind-propose: #b99aea; --kind-unadapted: #8d98a8; --kind-fine-tune: #6db3f8; --kind-evaluate: #5ccb9a; --kind-m-step: #f0a04b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; overflow-wrap: anywhere; }
h4 { font-size: .95rem; margin: .25rem 0; }
p { margin: .5rem 0; max-width: 42rem; overflow-wrap: anywhere; }
a { color: var(--link); }
.lead { color: var(--muted); margin: 0 0 1rem; }
.note { color: var(--muted); font-size: .85rem; margin: .25rem 0; }
.state { display: inline-block; padding: .05rem .6rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .85rem; vertical-align: .2rem; }
nav ul { list-style: none; margin: 1rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .35rem 1rem; font-size: .9rem; }
nav a { display: inline-block; padding: .15rem 0; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0; padding: 0; }
dl.facts div { background: var(--panel); border-radius: .5rem; padding: .5rem .75rem; }
dl.facts dt { color: var(--muted); font-size: .85rem; }
dl.facts dd { margin: 0; font-size: 1.05rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figcaption { color: var(--muted); font-size: .9rem; margin-top: .25rem; max-width: 46rem; }
svg { max-width: 100%; height: auto; display: block; overflow: visible; }
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } }
.legend { white-space: nowrap; }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin: 0 .35em 0 .5em; vertical-align: -.05em; border: 1.5px solid var(--swatch); background: var(--swatch); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.swatch.kept { --swatch: var(--mark); }
.swatch.rest { --swatch: var(--mark-rest); }
.swatch.hollow { --swatch: var(--muted); background: none; }
.swatch.dot { border-radius: 50%; }
.swatch.failed { --swatch: var(--bad); background: none; }
.swatch.kind-propose { --swatch: var(--kind-propose); }
.swatch.kind-unadapted { --swatch: var(--kind-unadapted); }
.swatch.kind-fine-tune { --swatch: var(--kind-fine-tune); }
.swatch.kind-evaluate { --swatch: var(--kind-evaluate); }
.swatch.kind-m-step { --swatch: var(--kind-m-step); }
.scroll { overflow-x: auto; margin: 1rem 0; }
.scroll:focus-visible, pre:focus-visible, a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { caption-side: top; text-align: left; color: var(--muted); font-size: .85rem; padding-bottom: .25rem; overflow-wrap: anywhere; max-width: calc(100vw - 2rem); }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; unicode-bidi: isolate; }
thead th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; white-space: nowrap; }
tbody th code { white-space: nowrap; }
td.prose, th.prose { white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead th.number { white-space: normal; min-width: 4.5rem; }
code { font: .85em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { background: var(--panel); border-radius: .5rem; padding: .6rem .75rem; margin: .35rem 0; font: .85rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; max-height: 24rem; overflow-y: auto; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1rem; margin: .75rem 0; }
.pair > div { min-width: 0; }
summary { cursor: pointer; color: var(--muted); font-size: .9rem; }
@media (max-width: 40rem) {
  table { font-size: .82rem; }
  th, td { padding-right: .5rem; }
  tbody th { white-space: normal; min-width: 5.5rem; }
  td.prose, th.prose { min-width: 5.25rem; }
  thead th.number { min-width: 3.5rem; }
}
@media print {
  :root { color-scheme: light; --page: #ffffff; --panel: #f5f6f8; --text: #000000; --muted: #444444; --line: #bbbbbb; --link: #000000; --mark: #0b5cad; --mark-rest: #a9b6c6; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  .wide { display: block; } .narrow { display: none; }
  .scroll { overflow: visible; }
  pre { max-height: none; overflow: visible; border: 1px solid var(--line); }
  h2, h3, h4, caption { break-after: avoid; }
  figure, tr, dl.facts div { break-inside: avoid; }
  table { font-size: .75rem; }
}
`;
