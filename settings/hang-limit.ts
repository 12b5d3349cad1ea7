import { environment, wholeNumber } from './environment';

const DEFAULT_SECONDS = 60;
const LEAST_SECONDS = 2;
const MOST_SECONDS = 86_400;

/** How often one asks, how long an answer may take, and after how much silence a process counts as hanging. */
export interface HangLimit {
  readonly everyMs: number;
  readonly patienceMs: number;
  readonly silenceMs: number;
}

/**
 * Reads `SEAL_HANG_SECONDS` (default 60): a machine under heavy load or a busy database keeps somebody waiting for seconds, not for that long.
 *
 * @throws BadInputError
 */
export function hangLimit(env: NodeJS.ProcessEnv = environment()): HangLimit {
  const silenceMs = wholeNumber(env, 'SEAL_HANG_SECONDS', { fallback: DEFAULT_SECONDS, least: LEAST_SECONDS, most: MOST_SECONDS }) * 1000;
  return { silenceMs, everyMs: Math.min(5_000, silenceMs / 4), patienceMs: Math.min(10_000, silenceMs / 2) };
}
