/**
 * Records with CRLF between them, fields quoted where they must be.
 * Source: RFC 4180.
 */
export function renderCsv(records: readonly (readonly (string | number | null)[])[]): string {
  return records.map((record) => `${record.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
