import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ComputeCancelledError } from '../campaign/errors';
import type { EndedWorkflow, SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';

/** After the first end others are waited for so long: what ends together is told together. */
const COLLECT_MS = 500;

/** Waits until some of the workflows have ended, however they did: by themselves, cancelled, terminated, or never having been. */
export function awaitWorkflows(services: Services): SealActivities['awaitWorkflows'] {
  return ({ workflows, waitMs }) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      const over = new AbortController();
      const stop = AbortSignal.any([signal, over.signal]);
      // Every workflow waits on it.
      setMaxListeners(0, stop);
      const ended: EndedWorkflow[] = [];
      const watched = workflows.map(async (workflow) => {
        const outcome = await services.workflows.outcome(workflow, stop);
        ended.push(outcome);
      });
      const late = sleep(waitMs, undefined, { signal: stop });
      try {
        await Promise.race([...watched, late]);
        if (ended.length > 0 && ended.length < workflows.length) await Promise.race([Promise.all(watched), sleep(COLLECT_MS, undefined, { signal })]);
      } catch (error) {
        if (signal.aborted) throw new ComputeCancelledError('cancelled while waiting for workflows', { cause: error });
        throw error;
      } finally {
        over.abort();
        await Promise.allSettled([...watched, late]);
      }
      return { ended };
    });
}
