import type { NativeConnection, Worker } from '@temporalio/worker';
import type { ComputeProcess } from '../engine/runtime/compute-client';
import type { ListenAddress } from '../settings/listen-address';
import { type HealthCheck, HealthServer } from '../telemetry/health-server';
import type { ObservedModel } from '../telemetry/observed-model';
import type { WorkIntake } from './work-intake';

export interface HealthSubjects {
  readonly workers: readonly Worker[];
  readonly connection: NativeConnection;
  readonly intake: WorkIntake;
  /** Null where no queue of this process needs the language model. */
  readonly compute: { readonly process: ComputeProcess; readonly model: ObservedModel } | null;
}

const SERVICE = 'temporal.api.workflowservice.v1.WorkflowService';
const SERVER_PATIENCE_MS = 3_000;

/**
 * Answers `/healthz` and `/readyz` at `SEAL_HEALTH_ADDRESS`: ready is a worker that polls every one of its queues, that reaches its
 * server, that lacks nothing for the work that came lately, and whose compute process answers, or works.
 *
 * @returns null where no address is given
 * @throws BadInputError where the address is taken or not this machine's
 */
export async function serveHealth(address: ListenAddress | null, { workers, connection, intake, compute }: HealthSubjects): Promise<HealthServer | null> {
  if (address === null) return null;
  const states = (): string[] => workers.map((worker) => worker.getState());
  return HealthServer.start(address, 'SEAL_HEALTH_ADDRESS', {
    alive: () => ({ ok: !states().includes('FAILED'), detail: `pid ${process.pid}` }),
    ready: {
      polling: () => ({ ok: states().every((state) => state === 'RUNNING'), detail: states().join(', ') }),
      server: () => serverAnswers(connection),
      work: () => intake.check(),
      ...(compute === null ? {} : { compute: computeCheck(compute.process, compute.model) }),
    },
  });
}

async function serverAnswers(connection: NativeConnection): Promise<HealthCheck> {
  const { status } = await connection.withDeadline(Date.now() + SERVER_PATIENCE_MS, () => connection.healthService.check({ service: SERVICE }));
  // grpc.health.v1: 1 is SERVING.
  const serving = Number(status) === 1;
  return { ok: serving, detail: serving ? 'serving' : `status ${status}` };
}

/** One question is under way at a time: askers come and go, a process that does not answer keeps only one. */
function computeCheck(process: ComputeProcess, model: ObservedModel): () => Promise<HealthCheck> {
  let asking: Promise<void> | null = null;
  return async () => {
    if (model.busy) return { ok: true, detail: `pid ${process.pid ?? 'none'}, at work` };
    asking ??= process.ping().finally(() => {
      asking = null;
    });
    await asking;
    return { ok: true, detail: `pid ${process.pid ?? 'none'}, answers` };
  };
}
