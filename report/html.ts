/** Text that is already HTML; everything else is escaped on its way in. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

export type Piece = Html | string | number | readonly Html[];

/** A template whose holes are escaped, unless they hold HTML. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const rendered = pieces.map(render);
  return new Html(strings.reduce((page, text, index) => page + (rendered[index - 1] ?? '') + text));
}

function render(piece: Piece): string {
  if (piece instanceof Html) return piece.markup;
  if (typeof piece === 'object') return piece.map((part) => part.markup).join('');
  return escape(String(piece));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return allowed(text.replace(/[&<>"']/g, (character) => ENTITIES[character]!));
}

/** Control characters and half surrogate pairs, which HTML does not allow and a model may write, as replacement characters. */
export function allowed(text: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is replaced
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff]/gu, '\ufffd');
}

/** A column of a table. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Piece;
  /** Right-aligned figures. */
  readonly number?: true;
  /** Text that may be long: it wraps where others do not. */
  readonly prose?: true;
}

/** A table with a caption, its first column naming the rows; it scrolls sideways by itself where the page is too narrow. */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col"${styleOf(column)}>${column.head}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${columns.map((column, place) => cell(column, place, row))}</tr>
`)}</tbody></table></div>`;
}

function cell<Row>(column: Column<Row>, place: number, row: Row): Html {
  const content = column.cell(row);
  return place === 0 ? html`<th scope="row"${styleOf(column)}>${content}</th>` : html`<td${styleOf(column)}>${content}</td>`;
}

function styleOf<Row>({ number, prose }: Column<Row>): Html {
  return new Html(number === true ? ' class="number"' : prose === true ? ' class="prose"' : '');
}

/** A part of the page that its heading names. */
export function section(id: string, heading: string, ...content: readonly Html[]): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>
${content}
</section>
`;
}

const WIDE_PX = 800;
const NARROW_PX = 340;

/** A chart for laptops and one for phones; the style sheet shows one of them. */
export function figure(draw: (widthPx: number) => string, caption: Html): Html {
  return html`<figure>
<div class="wide">${new Html(draw(WIDE_PX))}</div>
<div class="narrow">${new Html(draw(NARROW_PX))}</div>
<figcaption>${caption}</figcaption>
</figure>`;
}

/** Legend of a chart's colours. `style`: the style sheet's class of the swatch. */
export function swatch(style: string, label: string): Html {
  return html`<span class="legend"><span class="swatch ${style}"></span>${label}</span>`;
}

/** Short facts side by side. */
export function facts(entries: readonly (readonly [string, Piece])[]): Html {
  return html`<dl class="facts">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
