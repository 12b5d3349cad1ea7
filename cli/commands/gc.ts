import { join } from 'node:path';
import type { Command } from 'commander';
import { collectAbandoned, collectGarbage } from '../../audit/collect-garbage';
import { sealHome } from '../../settings/home';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { withCampaigns } from '../campaign-client';
import { newCommand, runWith, type CommonFlags } from '../command';
import { wholeNumber } from '../flags';
import { readableBytes } from '../readable-bytes';
import { heldByRunning } from '../running-campaigns';

interface GcFlags extends CommonFlags {
  readonly dryRun?: true;
  readonly graceHours: number;
}

const HOUR_MS = 3600 * 1000;

/** `seal gc`: artifacts that nothing names any more, and what killed processes left on this machine. */
export function gcCommand(): Command {
  const command = newCommand('gc', 'remove artifacts that no manifest names, and what killed processes left in $SEAL_HOME/cache')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    // Two hours cover what is between being stored and being named.
    .option('--grace-hours <n>', 'leave artifacts alone that were written in the last n hours', wholeNumber('--grace-hours', 2), 24);
  return runWith<GcFlags>(command, async ({ dryRun = false, graceHours }, output) => {
    const store = await openStoreFromEnvironment();
    try {
      const now = new Date();
      const collected = await withCampaigns((campaigns) => collectGarbage({ store, held: () => heldByRunning(campaigns, store), graceMs: graceHours * HOUR_MS, dryRun, now }));
      const abandoned = await collectAbandoned(join(sealHome(), 'cache'), dryRun);
      const { artifacts, sizeBytes, young, uploads } = collected;
      const verb = dryRun ? 'would be removed' : 'removed';
      const waiting = young === 0 ? '' : `; ${young} more are younger than ${graceHours} hours`;
      const unfinished = uploads === 0 ? [] : [`${uploads} unfinished uploads ${verb}`];
      output.result({ ...collected, abandoned }, () =>
        [`${artifacts} artifacts (${readableBytes(sizeBytes)}) ${verb}${waiting}`, ...unfinished, ...abandoned.map((path) => `${path} ${verb}`)].join('\n'),
      );
    } finally {
      store.close();
    }
  });
}
