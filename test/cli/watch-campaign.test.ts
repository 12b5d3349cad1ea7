import { type CampaignClient } from '../../cli/campaign-client';
import { NoWorkerError } from '../../cli/campaign-failures';
import { CampaignNotCompletedError, waitForCampaign } from '../../cli/finished-campaign';
import { createOutput } from '../../cli/output';
import type { CampaignProgress, CampaignState } from '../../campaign/campaign';

/** A server that knows one campaign, asked twice before it has ended. */
function server(state: CampaignState, worker: boolean, failure?: Error): CampaignClient {
  let asked = 0;
  const execution = async (): Promise<{ state: CampaignState; closed: boolean }> => {
    asked += 1;
    return asked < 2 ? { state: 'running', closed: false } : { state, closed: true };
  };
  const progress = async (): Promise<CampaignProgress> => {
    if (!worker && asked >= 2) throw new NoWorkerError('no worker answered');
    return { campaignId: 'c', state: 'running', epoch: 1, candidates: { total: 4, running: 1, done: 1, failed: 0, rejected: 0 }, phase: state === 'cancelled' ? 'cancelled by someone' : 'epoch 1', etaSeconds: 5 };
  };
  const result = async (): Promise<unknown> => {
    if (failure !== undefined) throw failure;
    return { report: null, epochs: [] };
  };
  return { execution, find: execution, progress, result } as unknown as CampaignClient;
}

const output = createOutput(false, { writeOut: () => undefined, writeErr: () => undefined });
const wait = (campaigns: CampaignClient): Promise<CampaignProgress> => waitForCampaign(campaigns, 'c', output, new AbortController().signal);
const failure = new Error('Workflow execution failed', { cause: new Error('theta_1: expected a finite loss') });

describe('a campaign that is followed to its end', () => {
  it.each([true, false])('gives its progress where it completed (a worker: %p)', async (worker) => {
    expect((await wait(server('completed', worker))).state).toBe('completed');
  });

  it.each([true, false])('is an error with the reason where it failed (a worker: %p)', async (worker) => {
    const end = wait(server('failed', worker, failure));
    await expect(end).rejects.toThrow(CampaignNotCompletedError);
    await expect(end).rejects.toMatchObject({ code: 'CAMPAIGN_FAILED', message: 'c failed: theta_1: expected a finite loss' });
  });

  it.each([
    [true, 'c cancelled: cancelled by someone'],
    [false, 'c cancelled: an operator ended it'],
  ])('is an error where it was cancelled, and says by whom where a worker can tell (a worker: %p)', async (worker, message) => {
    await expect(wait(server('cancelled', worker))).rejects.toMatchObject({ code: 'CAMPAIGN_CANCELLED', message });
  });
});
