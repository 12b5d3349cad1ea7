import type { ReportDocument } from '../../record/documents/report';
import { type Column, type Html, html, section, table } from '../html';

/** What the numbers were made from. */
export function lineageSection({ lineage }: ReportDocument): Html {
  const entries: readonly (readonly [string, string])[] = [
    ['campaign name', lineage.name],
    ['seed', String(lineage.seed)],
    ['code version', lineage.codeVersion],
    ...lineage.otherCode.map(({ version, computations }) => [`other code, of ${computations} computations`, version] as const),
    ['campaign file (sha256)', lineage.specSha256],
    ['training contexts (sha256)', lineage.trainSha256],
    ['held-out contexts (sha256)', lineage.heldOutSha256],
    ...Object.entries(lineage.model).map(([file, sha256]) => [`model ${file} (sha256)`, sha256] as const),
    ...Object.entries(lineage.settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)] as const])),
  ];
  const columns: readonly Column<(typeof entries)[number]>[] = [
    { head: 'input', cell: ([name]) => name },
    { head: 'value', cell: ([, value]) => html`<code>${value}</code>`, prose: true },
  ];
  return section('lineage', 'Lineage', html`<p>The same inputs, seed and code give the same numbers.</p>`, table('Inputs', columns, entries));
}
