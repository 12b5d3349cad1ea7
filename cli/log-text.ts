import { LOG_LEVELS, type LogLevel } from '../settings/telemetry';
import { parseLogLine, type ParsedLogLine } from '../telemetry/log-line';

export interface LogFilter {
  readonly campaign?: string;
  /** This level and above. */
  readonly level?: LogLevel;
}

/**
 * Whether a line is asked for. One that is none of ours, a server's or a crash's, belongs to no campaign; its level nobody knows, and
 * processes that keep quiet while all is well have a reason to write it.
 */
export function isWanted(line: string, { campaign, level }: LogFilter): boolean {
  if (campaign === undefined && level === undefined) return true;
  const parsed = parseLogLine(line);
  if (parsed === null) return campaign === undefined;
  if (campaign !== undefined && parsed['campaignId'] !== campaign) return false;
  return level === undefined || LOG_LEVELS.indexOf(parsed.level) >= LOG_LEVELS.indexOf(level);
}

/** `2026-11-26 05:57:31 INFO  activity done (towns-1 epoch-1/1e78f60b/c2, evaluateAdapter, 0.41 s)`: a line for people. */
export function logText(line: string): string {
  const parsed = parseLogLine(line);
  if (parsed === null) return line;
  const { time, level, message } = parsed;
  const details = [workText(parsed), ...detailTexts(parsed)].filter((text) => text !== '');
  return `${time.slice(0, 19).replace('T', ' ')} ${level.padEnd(5)} ${message}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

/** The campaign, then the rest of the workflow's id. */
function workText({ workflowId, campaignId }: ParsedLogLine): string {
  if (typeof workflowId !== 'string') return '';
  return typeof campaignId === 'string' && workflowId.startsWith(`${campaignId}/`) ? `${campaignId} ${workflowId.slice(campaignId.length + 1)}` : workflowId;
}

function detailTexts({ activity, attempt, seconds, failure, reason, error }: ParsedLogLine): string[] {
  const { type, message } = (typeof error === 'object' && error !== null ? error : {}) as { type?: unknown; message?: unknown };
  return [
    text(activity),
    typeof attempt === 'number' && attempt > 1 ? `attempt ${attempt}` : '',
    typeof seconds === 'number' ? `${seconds.toPrecision(2)} s` : '',
    text(failure),
    text(reason),
    text(type) + (text(message) === '' ? '' : `: ${text(message)}`),
  ];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
