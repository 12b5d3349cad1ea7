import { Worker } from '@temporalio/worker';
import { openTemporalClient } from '../temporal/connect';
import { dataConverter } from '../temporal/encryption/data-converter';
import type { TemporalSettings } from '../settings/temporal';
import { workflowBundle } from '../workers/workflow-bundle';

export interface Replayed {
  readonly histories: number;
  /** One line for each that today's workflows would not have made. */
  readonly broken: readonly string[];
}

/**
 * Replays every history of a namespace against the workflows of this build.
 * @param cacheDirectory where the workflows' bundle is kept
 */
export async function replayAll(temporal: TemporalSettings, cacheDirectory: string): Promise<Replayed> {
  const { connection, client } = await openTemporalClient(temporal);
  try {
    const converter = dataConverter();
    const bundle = await workflowBundle(cacheDirectory, converter);
    const histories = client.workflow.list().intoHistories({ concurrency: 4 });
    const broken: string[] = [];
    let count = 0;
    for await (const { workflowId, runId, error } of Worker.runReplayHistories({ workflowBundle: bundle, dataConverter: converter }, histories)) {
      count += 1;
      if (error !== undefined) broken.push(`${workflowId}, run ${runId}: ${error.message.split('\n')[0]}`);
    }
    return { histories: count, broken };
  } finally {
    await connection.close();
  }
}
