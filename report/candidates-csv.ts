import type { CandidateRow } from '../record/documents/report';
import { renderCsv } from './csv';

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
  { name: 'cut_off', value: (row) => String(row.isCutOff) },
  { name: 'memory_parts', value: (row) => row.memoryParts },
];

/** `candidates.csv`: one record a candidate. */
export function renderCandidatesCsv(candidates: readonly CandidateRow[]): string {
  return renderCsv([COLUMNS.map(({ name }) => name), ...candidates.map((row) => COLUMNS.map(({ value }) => value(row)))]);
}
