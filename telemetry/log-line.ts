/**
 * A log of JSON lines: `{time, level, message, ...}`. What a campaign is about (passages, self-edits, answers) and what protects it
 * (credentials, keys) never gets in: fields are written by name from a list, and of an error that may quote what it
 * complains about only its type and where it was thrown.
 */
import { type FailureClass, failureClassOf } from '../campaign/failures';
import { LOG_LEVELS, type LogLevel } from '../settings/telemetry';


export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  /** Milliseconds since the epoch. @default now */
  readonly timeMs?: number;
  /** Those that are not on the list are left out. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** In the order in which they are written. The SDK's names on the left. */
const FIELDS: Readonly<Record<string, string>> = {
  campaignId: 'campaignId',
  workflowId: 'workflowId',
  runId: 'runId',
  workflowType: 'workflow',
  activity: 'activity',
  activityType: 'activity',
  attempt: 'attempt',
  epoch: 'epoch',
  contextId: 'contextId',
  candidate: 'candidate',
  method: 'method',
  repeat: 'repeat',
  chunk: 'chunk',
  process: 'process',
  pid: 'pid',
  taskQueue: 'queue',
  sdkComponent: 'component',
  target: 'target',
  seconds: 'seconds',
  durationMs: 'durationMs',
  failure: 'failure',
  reason: 'reason',
  restarts: 'restarts',
  outcome: 'outcome',
  address: 'address',
};

const MAX_TEXT = 500;

/** One line without its end. */
export function formatLogLine({ level, message, timeMs = Date.now(), fields = {} }: LogEntry): string {
  const written: Record<string, unknown> = {};
  for (const [name, shown] of Object.entries(FIELDS)) {
    const value = fields[name];
    if (value === undefined || value === null || shown in written) continue;
    if (typeof value === 'number' || typeof value === 'boolean') written[shown] = value;
    else if (typeof value === 'string') written[shown] = clipped(value);
    else if (typeof value === 'bigint') written[shown] = Number(value);
  }
  const error = fields['error'];
  if (error !== undefined && error !== null) written['error'] = describeError(error);
  return JSON.stringify({ time: new Date(timeMs).toISOString(), level, message: clipped(message), ...written });
}

export interface LoggedError {
  readonly type: string;
  /** Absent where it may quote what nobody should read here. */
  readonly message?: string;
  /** Frames, innermost first. */
  readonly at?: readonly string[];
}

const FRAMES = 5;

/** Their messages may hold another's words: a field's content, a server's answer, the text that JSON.parse stumbled over. */
const QUOTING: ReadonlySet<FailureClass> = new Set(['bad-input', 'endpoint', 'bug']);

/** The innermost cause, by its type: what wraps it says nothing more. */
export function describeError(error: unknown): LoggedError {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error && isWrapper(inner)) inner = inner.cause;
  if (!(inner instanceof Error)) return { type: typeof inner };
  // A failure that came through Temporal carries its class as its type.
  const named = (inner as { type?: unknown }).type;
  const type = typeof named === 'string' && named !== '' ? named : inner.name;
  const known = failureClassOf(type);
  const at = (inner.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).slice(0, FRAMES);
  return {
    type,
    ...(QUOTING.has(known) ? {} : { message: clipped(inner.message) }),
    ...(at.length === 0 ? {} : { at: at.map((line) => line.trim()) }),
  };
}

function isWrapper({ name }: Error): boolean {
  return name === 'ActivityFailure' || name === 'ChildWorkflowFailure';
}

/** A line of a log as it was written, or null where the line is none of ours: a server's, a crash's. */
export interface ParsedLogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly [field: string]: unknown;
}

export function parseLogLine(line: string): ParsedLogLine | null {
  if (!line.startsWith('{')) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Cut by a rotation or a kill: it is shown as it stands.
    return null;
  }
  const { time, level, message } = value as Partial<Record<string, unknown>>;
  if (typeof time !== 'string' || typeof message !== 'string' || !LOG_LEVELS.some((name) => name === level)) return null;
  return value as ParsedLogLine;
}

function clipped(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}...`;
}
