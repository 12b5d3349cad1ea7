import type { CandidateRow } from './report-document';

const COLUMNS: readonly { readonly name: string; readonly value: (row: CandidateRow) => string | number | null }[] = [
  { name: 'id', value: (row) => row.id },
  { name: 'epoch', value: (row) => row.epoch },
  { name: 'context', value: (row) => row.contextId },
  { name: 'title', value: (row) => row.title },
  { name: 'candidate', value: (row) => row.candidate },
  { name: 'status', value: (row) => row.status },
  { name: 'reward', value: (row) => row.reward },
  { name: 'repeat_rewards', value: (row) => row.repeatRewards.join(' ') },
  { name: 'selected', value: (row) => String(row.selected) },
  { name: 'steps', value: (row) => row.steps },
  { name: 'trained_tokens', value: (row) => row.trainedTokens },
  { name: 'reason', value: (row) => row.reason },
  { name: 'adapters', value: (row) => row.adapters.join(' ') },
  { name: 'self_edit_characters', value: (row) => row.selfEditCharacters },
  { name: 'memory_parts', value: (row) => row.memoryParts },
];

/**
 * `candidates.csv`: one record a candidate, CRLF between records, fields quoted where they must be.
 * Source: RFC 4180.
 */
export function renderCandidatesCsv(candidates: readonly CandidateRow[]): string {
  const header = COLUMNS.map((column) => column.name);
  const records = candidates.map((row) => COLUMNS.map((column) => field(column.value(row))));
  return [header, ...records].map((record) => `${record.join(',')}\r\n`).join('');
}

function field(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
