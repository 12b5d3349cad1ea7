import { DefaultLogger, type Logger } from '@temporalio/worker';
import { LOG_LEVELS, type LogLevel } from '../settings/telemetry';
import { currentWork } from './current-work';
import { formatLogLine } from './log-line';
import { idsOfWorkflow } from './work-ids';

/** Writes lines at or above a level, with the ids of the work that the code runs for. */
export class Log {
  constructor(
    private readonly level: LogLevel,
    private readonly write: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
  ) {}

  readonly info = this.at('INFO');
  readonly warn = this.at('WARN');
  readonly error = this.at('ERROR');

  /** A line that another program wrote about itself: of an error its type, not what it says. */
  foreign(line: string, fields: Readonly<Record<string, unknown>>): void {
    this.warn(line.replace(/^((?:Uncaught )?\w*(?:Error|Exception)):.*$/, '$1'), fields);
  }

  /** The SDK's lines: its own, those of workflows and activities, and those of its native part. */
  sdkLogger(): Logger {
    return new DefaultLogger(this.level, ({ level, message, timestampNanos, meta = {} }) => {
      const workflowId: unknown = meta['workflowId'];
      const ids = typeof workflowId === 'string' ? idsOfWorkflow(workflowId) : {};
      // A reason is free text: those who write one of their own write it here.
      const fields = { ...meta, ...ids, reason: undefined };
      this.write(formatLogLine({ level, message, timeMs: Number(timestampNanos / 1_000_000n), fields }));
    });
  }

  private at(level: LogLevel) {
    return (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.level)) return;
      this.write(formatLogLine({ level, message, fields: { ...currentWork()?.ids, ...fields } }));
    };
  }
}
