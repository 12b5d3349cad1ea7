import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { runAs } from './current-work';
import type { Log } from './log';
import type { SealMeter } from './meter';
import type { ActivityTracer } from './work-span';
import { idsOfWorkflow, type WorkIds } from './work-ids';

/** Gives everything that an activity does its ids and its span, and keeps count of the candidates that are worked for. */
export function activityInterceptor(meter: SealMeter, log: Log, tracer: ActivityTracer | null): ActivityInterceptorsFactory {
  const candidates = new RunningCandidates(meter);
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const ids: WorkIds = {
          ...idsOfWorkflow(info.workflowExecution?.workflowId ?? ''),
          ...(info.workflowExecution === undefined ? {} : { runId: info.workflowExecution.runId }),
          activity: info.activityType,
          attempt: info.attempt,
        };
        const span = tracer?.activitySpan(ids, input.headers);
        const leave = candidates.enter(ids);
        const startedMs = performance.now();
        return runAs({ ids, meter, ...(span === undefined ? {} : { span }) }, async () => {
          try {
            const result = await next(input);
            log.info('activity done', { seconds: (performance.now() - startedMs) / 1000 });
            span?.end();
            return result;
          } catch (error) {
            span?.end(error);
            throw error;
          } finally {
            leave();
          }
        });
      },
    },
  });
}

/** Candidates by workflow id: one may have several activities at once. */
class RunningCandidates {
  readonly #activities = new Map<string, number>();

  constructor(private readonly meter: SealMeter) {}

  /** @returns to be called at the activity's end */
  enter({ candidate, workflowId }: WorkIds): () => void {
    if (candidate === undefined || workflowId === undefined) return () => undefined;
    this.#count(workflowId, 1);
    return () => this.#count(workflowId, -1);
  }

  #count(workflowId: string, change: 1 | -1): void {
    const activities = (this.#activities.get(workflowId) ?? 0) + change;
    if (activities === 0) this.#activities.delete(workflowId);
    else this.#activities.set(workflowId, activities);
    this.meter.set('candidatesRunning', this.#activities.size);
  }
}
