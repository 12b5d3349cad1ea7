/** Text that is already HTML; everything else is escaped on its way in. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Piece = Html | string | number | readonly Html[];

/** A template whose holes are escaped, unless they hold HTML. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const rendered = pieces.map(render);
  return new Html(strings.reduce((page, text, index) => page + (rendered[index - 1] ?? '') + text));
}

function render(piece: Piece): string {
  if (piece instanceof Html) return piece.markup;
  if (typeof piece === 'object') return piece.map((part) => part.markup).join('');
  return String(piece).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A column of a table. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Piece;
  /** Right-aligned figures. */
  readonly number?: true;
}

/** A table that scrolls sideways by itself where the page is too narrow for it. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const align = (column: Column<Row>): Html => new Html(column.number === true ? ' class="number"' : '');
  return html`<div class="scroll"><table>
<thead><tr>${columns.map((column) => html`<th${align(column)}>${column.head}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${columns.map((column) => html`<td${align(column)}>${column.cell(row)}</td>`)}</tr>
`)}</tbody></table></div>`;
}
