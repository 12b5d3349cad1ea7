import type { CampaignInput, Split } from '../campaign/campaign';
import { tasksFile } from '../record/documents/campaign';
import { type Context, contextOf, type Domain } from '../seal/domains/domain';
import type { CampaignRecord } from './campaign-record';

/** A split's contexts in the campaign's order; null where they cannot be read. */
export async function contextsOf(record: CampaignRecord, input: CampaignInput, domain: Domain, split: Split): Promise<readonly Context[] | null> {
  const file = tasksFile(domain, split);
  const tasks = await record.artifact(input[split], file, file.name);
  return tasks === null ? null : tasks.map((task) => contextOf(domain, task));
}
