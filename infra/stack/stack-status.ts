import { environment } from '../../settings/environment';
import { sealHome } from '../../settings/home';
import { readStackFile, type StackFile } from '../../settings/stack-file';
import { type TemporalSettings, temporalSettings } from '../../settings/temporal';
import { answers, OBJECT_SERVER } from './object-server';
import { OwnProcesses } from './own-process';
import { readServerState, SERVER_SUPERVISOR } from './server-state';
import { embedded, frontendAnswers, TEMPORAL_SERVER } from './temporal-server';
import { WORKER, WORKER_CHILD, readWorkerState, type WorkerState } from './worker-state';

export interface ServerStatus {
  /** host:port of Temporal, URL of S3. */
  readonly address: string;
  readonly answers: boolean;
  /** Of the embedded server; null for one of the user's own. */
  readonly pid: number | null;
  /** How often it had ended, or hung, and was started again, since it is supervised. */
  readonly restarts: number;
  /** Why, the last time; null where it never was. */
  readonly lastReason: string | null;
}

export interface StackStatus {
  readonly home: string;
  /** Both servers answer. */
  readonly up: boolean;
  /** Of the process that starts embedded servers again; null while none runs. */
  readonly serverSupervisorPid: number | null;
  readonly temporal: (ServerStatus & { readonly namespace: string; readonly uiUrl: string | null }) | null;
  readonly s3: (ServerStatus & { readonly bucket: string; readonly region: string }) | null;
  readonly worker: ({ readonly supervisorPid: number; readonly pid: number | null } & WorkerState) | null;
  /** Log files by process. */
  readonly logs: Readonly<Record<'temporal' | 's3' | 'worker', string>>;
}

/** What of the embedded stack runs and answers. */
export async function stackStatus({ env = environment(), home = sealHome(env) }: { readonly home?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<StackStatus> {
  const processes = new OwnProcesses(home);
  const stack = readStackFile(home);
  const [temporalAnswers, s3Answers] =
    stack === null ? [false, false] : await Promise.all([frontendAnswers(temporalOf(stack, home, env)), answers(stack.s3.endpoint)]);
  const supervisor = processes.running(WORKER);
  const state = readServerState(home);
  return {
    home,
    up: temporalAnswers && s3Answers,
    serverSupervisorPid: processes.running(SERVER_SUPERVISOR)?.pid ?? null,
    temporal: stack && {
      address: stack.temporal.address,
      namespace: stack.temporal.namespace,
      uiUrl: stack.temporal.uiUrl,
      answers: temporalAnswers,
      pid: processes.running(TEMPORAL_SERVER)?.pid ?? null,
      ...state.temporal,
    },
    s3: stack && {
      address: stack.s3.endpoint,
      bucket: stack.s3.bucket,
      region: stack.s3.region,
      answers: s3Answers,
      pid: processes.running(OBJECT_SERVER)?.pid ?? null,
      ...state.s3,
    },
    worker: supervisor && {
      supervisorPid: supervisor.pid,
      pid: processes.running(WORKER_CHILD)?.pid ?? null,
      ...readWorkerState(home),
    },
    logs: {
      temporal: processes.logFile(TEMPORAL_SERVER),
      s3: processes.logFile(OBJECT_SERVER),
      worker: processes.logFile(WORKER),
    },
  };
}

/** The server that the stack file names, secured as the environment says unless it is the embedded one. */
function temporalOf({ temporal }: StackFile, home: string, env: NodeJS.ProcessEnv): TemporalSettings {
  if (temporal.embedded) return embedded(temporal.address);
  return temporalSettings({ ...env, SEAL_HOME: home, TEMPORAL_ADDRESS: temporal.address });
}
