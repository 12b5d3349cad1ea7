/** The report page's style sheet: light and dark by the reader's setting, one column that fits a phone. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --panel: #f5f6f8; --text: #1c2330; --muted: #5b6575; --line: #d5dae2; --mark: #0b5cad; --mark-rest: #a9b6c6; }
@media (prefers-color-scheme: dark) {
  :root { --page: #12161d; --panel: #1a2029; --text: #e6eaf0; --muted: #a3adbb; --line: #343d4a; --mark: #6db3f8; --mark-rest: #4d5a6b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { margin: .5rem 0; max-width: 42rem; }
.lead { color: var(--muted); margin: 0 0 1rem; }
.state { display: inline-block; padding: .05rem .6rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .85rem; vertical-align: .2rem; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0; padding: 0; }
dl.facts div { background: var(--panel); border-radius: .5rem; padding: .5rem .75rem; }
dl.facts dt { color: var(--muted); font-size: .85rem; }
dl.facts dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; }
figcaption { color: var(--muted); font-size: .9rem; margin-top: .25rem; }
svg { max-width: 100%; height: auto; display: block; overflow: visible; }
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin: 0 .3em 0 .6em; vertical-align: -.05em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { white-space: nowrap; }
td:first-child code { white-space: nowrap; }
th { color: var(--muted); font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: .85em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
`;
