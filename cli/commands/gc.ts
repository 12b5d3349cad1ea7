import { join } from 'node:path';
import type { Command } from 'commander';
import { collectAbandoned, collectGarbage } from '../../housekeeping/collect-garbage';
import { sealHome } from '../../settings/home';
import { DirectoryCache } from '../../storage/directory-cache';
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

/** `seal gc`: artifacts that nothing names any more, what killed processes left on this machine, and what can be made again. */
export function gcCommand(): Command {
  const command = newCommand('gc', 'remove artifacts that no manifest names and, in $SEAL_HOME/cache, what killed processes left and what nobody reads')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    // Two hours cover what is between being stored and being named.
    .option('--grace-hours <n>', 'leave artifacts alone that were written in the last n hours', wholeNumber('--grace-hours', 2), 24);
  return runWith<GcFlags>(command, async ({ dryRun = false, graceHours }, output) => {
    const store = await openStoreFromEnvironment();
    try {
      const now = new Date();
      const collected = await withCampaigns((campaigns) => collectGarbage({ store, held: () => heldByRunning(campaigns, store), graceMs: graceHours * HOUR_MS, dryRun, now }));
      const cacheDirectory = join(sealHome(), 'cache');
      const abandoned = await collectAbandoned(cacheDirectory, dryRun);
      const cached = await new DirectoryCache(cacheDirectory).evictUnread(dryRun);
      const { artifacts, sizeBytes, young, uploads } = collected;
      const verb = dryRun ? 'would be removed' : 'removed';
      const waiting = young === 0 ? '' : `; ${young} more are younger than ${graceHours} hours`;
      const unfinished = uploads === 0 ? [] : [`${uploads} unfinished uploads ${verb}`];
      const unread = cached.entries === 0 ? [] : [`${cached.entries} cached policies and adapters that nobody reads (${readableBytes(cached.bytes)}) ${verb}`];
      output.result({ ...collected, abandoned, cached }, () =>
        [`${artifacts} artifacts (${readableBytes(sizeBytes)}) ${verb}${waiting}`, ...unfinished, ...unread, ...abandoned.map((path) => `${path} ${verb}`)].join('\n'),
      );
    } finally {
      store.close();
    }
  });
}
