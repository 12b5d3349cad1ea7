import type { Command } from 'commander';
import { BadInputError, StoreRefusedError } from '../../campaign/errors';
import { startStack } from '../../infra/stack/stack';
import type { StackStatus } from '../../infra/stack/stack-status';
import { namedS3Endpoint } from '../../settings/s3';
import { warnOfFullDisk } from '../disk-state';
import { newCommand, runWith } from '../command';
import { tryConditionalWrites } from '../store-access';

/** `seal up`: starts the servers and a worker in the background; what runs already is used. */
export function upCommand(): Command {
  return runWith(newCommand('up', 'start Temporal, S3 and a worker in the background, or use those that run'), async (_flags, output) => {
    await refuseUnusableStore();
    const status = await startStack({ say: (line) => output.log(line) });
    await warnOfFullDisk(output);
    output.result(status, () => stackText(status));
  });
}

/** Before anything is started: a worker that is not let in could only end, again and again, and no campaign can run on a store without conditional writes. */
async function refuseUnusableStore(): Promise<void> {
  if (namedS3Endpoint() === null) return;
  try {
    await tryConditionalWrites({ createBucket: true });
  } catch (error) {
    // What else may be wrong with a server is said by what starts the rest.
    if (error instanceof StoreRefusedError || error instanceof BadInputError) throw error;
  }
}

function stackText({ home, temporal, s3, worker }: StackStatus): string {
  const pid = (of: { readonly pid: number | null } | null): string => (typeof of?.pid !== 'number' ? 'not ours' : `pid ${of.pid}`);
  return [
    `Temporal  ${temporal?.address ?? 'none'} (${pid(temporal)})${typeof temporal?.uiUrl !== 'string' ? '' : `, web UI ${temporal.uiUrl}`}`,
    `S3        ${s3?.address ?? 'none'} (${pid(s3)}), bucket ${s3?.bucket ?? 'none'}`,
    `worker    ${worker === null ? 'none' : `supervised, pid ${worker.supervisorPid}`}`,
    `state in  ${home}`,
  ].join('\n');
}
