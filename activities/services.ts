import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CampaignInput } from '../campaign/campaign';
import { Endpoints } from '../endpoint/endpoints';
import { ManifestCache } from '../record/manifest-cache';
import { environment } from '../settings/environment';
import { DirectoryCache } from '../storage/directory-cache';
import { DOMAINS, type Domains } from '../seal/domains/registry';
import { partialPath } from '../storage/partial-path';
import { ProposalReader } from './candidates/proposals';
import type { ActivityDependencies, Tokenizer } from './dependencies';
import { ComputeGate, type ComputeLimits } from './execution/compute-gate';
import type { WorkflowWatcher } from './execution/workflow-watcher';
import { CampaignDataReader } from './stored/campaign-data';
import { ModelDirectories } from './stored/model-directories';

/** What all activities of one worker process share. */
export interface Services extends ActivityDependencies {
  readonly heartbeatIntervalMs: number;
  readonly endpoints: Endpoints;
  readonly workflows: WorkflowWatcher;
  readonly tokenizer: Tokenizer;
  readonly gate: ComputeGate;
  readonly cache: DirectoryCache;
  readonly manifests: ManifestCache;
  readonly domains: Domains;
  readonly campaigns: CampaignDataReader;
  readonly proposals: ProposalReader;
  readonly models: ModelDirectories;
}

export function createServices(dependencies: ActivityDependencies): Services {
  const gate = new ComputeGate();
  const { domains = DOMAINS } = dependencies;
  const cache = new DirectoryCache(dependencies.cacheDirectory, dependencies.cacheBytes);
  return {
    ...dependencies,
    tokenizer: dependencies.tokenizer ?? dependencies.model,
    heartbeatIntervalMs: dependencies.heartbeatIntervalMs ?? 2000,
    endpoints: dependencies.endpoints ?? new Endpoints(environment()),
    workflows: dependencies.workflows ?? { outcome: () => Promise.reject(new RangeError('this process watches no workflows')) },
    gate,
    cache,
    manifests: new ManifestCache(dependencies.store),
    domains,
    campaigns: new CampaignDataReader(dependencies.store, domains),
    proposals: new ProposalReader(dependencies.store),
    models: new ModelDirectories({ ...dependencies, gate, cache }),
  };
}

/** A directory that is gone once it is disposed of. @throws DiskFullError where there is no room */
export async function scratchDirectory(services: Services): Promise<AsyncDisposable & { readonly path: string }> {
  await services.refuseFullDisk?.();
  const path = partialPath(join(services.cacheDirectory, 'work', 'scratch'));
  await mkdir(path, { recursive: true });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The shortest silence that is ever taken for a hang, unless the campaign file says so: a large model is opened in it. */
const SHORTEST_STALL_SECONDS = 120;

/** Limits of one request to the language model. */
export function computeLimits({ spec }: CampaignInput): ComputeLimits {
  const { activitySeconds, stallSeconds = Math.max(activitySeconds / 4, SHORTEST_STALL_SECONDS) } = spec.limits;
  return { limitMs: activitySeconds * 1000, stallMs: stallSeconds * 1000 };
}
