/**
 * Selection on the reference's own results file, giving the rows it trained the policy of the next round on.
 * Source: reference code, the script that builds the SFT set (best 1 of 5: sort, keep, trim, drop empty).
 */
import { parseReferenceResults } from './reference-results';
import { type SelectionSettings, bestOfK } from '../seal/algorithm/selection';
import { exceeds } from '../seal/statistics/statistics';

/** A row of supervised fine-tuning of the policy. */
export interface PolicyRow {
  readonly prompt: string;
  readonly completion: string;
}

export interface ReferenceSelection {
  readonly rows: readonly PolicyRow[];
  /** Articles in the file. */
  readonly contexts: number;
  /** Rows kept. */
  readonly kept: number;
}

/** @throws BadInputError naming the first wrong field */
export function selectFromReferenceResults(
  json: unknown,
  where: string,
  settings: SelectionSettings,
): ReferenceSelection {
  const { articles } = parseReferenceResults(json, where);
  const rows = articles.flatMap(({ prompt, completions }) => {
    const candidates = completions.map(({ text, stats }) => ({
      text,
      reward: stats.adapter_mean,
      improves: exceeds(stats.adapter_mean, stats.baseline_mean),
    }));
    return bestOfK(candidates, settings.keep)
      .filter(({ improves }) => settings.rule === 'best-of-k' || improves)
      .map(({ text }) => ({ prompt, completion: text.trim() }))
      .filter(({ completion }) => completion !== '');
  });
  return { rows, contexts: articles.length, kept: rows.length };
}

/**
 * One JSON object a line as Python's `json.dumps(row, ensure_ascii=False)` writes it: `", "`, `": "`, raw non-ASCII;
 * final newline.
 */
export function policyRowsJsonl(rows: readonly PolicyRow[]): string {
  return rows
    .map(
      ({ prompt, completion }) =>
        `{"prompt": ${JSON.stringify(prompt)}, "completion": ${JSON.stringify(completion)}}\n`,
    )
    .join('');
}
