import type { PinnedCampaign, RevisionTask, Superseded } from '../../activities/activity-types';
import { epochInVersion } from '../../campaign/campaign';
import { policyDocument } from '../../record/documents/epochs';
import { revisionDocument } from '../../record/documents/operators';
import { manifestKeys } from '../../record/keys';
import { type ActivityFixture, removedFixtures } from './activity-fixture';
import { type End, storedSelection } from './stored-selection';

const fixture = removedFixtures();

const ACTION = { by: 'anna', why: 'the disk was full' };
const NOTHING: Superseded = { proposed: 0, failed: 0, rejected: 0, retryable: 0, tied: 0 };

/** How an epoch's candidates ended, a letter each: a reward in tenths, `f` failed (another attempt may help), `n` diverged (none can), `r` rejected. */
function ends(letters: string): End[] {
  return [...letters].map((letter, position) => {
    switch (letter) {
      case 'f':
        return { position, status: 'failed', reason: 'it broke', failure: 'process-died' };
      case 'n':
        return { position, status: 'failed', reason: 'NaN', failure: 'not-finite' };
      case 'r':
        return { position, status: 'rejected', reason: 'empty' };
      default:
        return { position, status: 'scored', reward: Number(letter) / 10 };
    }
  });
}

/** An epoch of the campaign that has ended. @param policy whether it has a policy of its own; if not, it kept nothing */
async function ended(made: ActivityFixture, campaign: PinnedCampaign, epoch: number, letters: string, { version = 1, policy = true } = {}): Promise<void> {
  await storedSelection(made.store, { campaign, epoch, version, proposals: campaign.input, outcomes: ends(letters), kept: policy ? [0] : [] });
  if (!policy) return;
  await policyDocument.publish(made.store, manifestKeys.policy('c', epoch, version), {
    files: {},
    lineage: { inputs: {}, codeVersion: 'test', settings: {} },
    summary: { parent: null, steps: 1, finalLoss: 1, trainedTokens: 1, rows: 1 },
  });
}

/** Three epochs. In the second, three candidates failed that another attempt may help; of the third nothing counts as it is. */
async function afterThree(made: ActivityFixture): Promise<PinnedCampaign> {
  const campaign = await made.pin('c', { epochs: 3 });
  await ended(made, campaign, 1, '12345n');
  await ended(made, campaign, 2, '123fff');
  await ended(made, campaign, 3, '55rrfn');
  return campaign;
}

type Change = Pick<RevisionTask, 'revision' | 'retried' | 'changed'> & Partial<Pick<RevisionTask, 'finished'>>;

function record(made: ActivityFixture, campaign: PinnedCampaign, change: Change): Promise<Superseded> {
  return made.run('recordRevision', { campaign, action: ACTION, finished: 3, ...change });
}

async function recorded(made: ActivityFixture, revision: number): Promise<unknown> {
  return (await revisionDocument.read(made.store, manifestKeys.revision('c', revision))).summary;
}

describe('a revision', () => {
  const secondRetried = { revision: 1, retried: { epoch: 2, candidates: 3 } };

  test('where selection keeps what it kept, nothing else changes', async () => {
    const made = fixture();
    const campaign = await afterThree(made);
    expect(await record(made, campaign, { ...secondRetried, changed: false })).toEqual(NOTHING);
    expect(await recorded(made, 1)).toEqual({
      ...secondRetried,
      changed: false,
      versions: [epochInVersion(1), { epoch: 2, candidates: 1, selection: 2, policy: 1 }, epochInVersion(3)],
      stale: [],
      ...ACTION,
    });
  });

  test('where it keeps others, the policy and all later epochs count no more, and their sums are told', async () => {
    const made = fixture();
    const campaign = await afterThree(made);
    // Of the third epoch: one context compared, its rewards all equal.
    expect(await record(made, campaign, { ...secondRetried, changed: true })).toEqual({ proposed: 6, failed: 2, rejected: 2, retryable: 1, tied: 1 });
    expect(await recorded(made, 1)).toEqual({
      ...secondRetried,
      changed: true,
      versions: [epochInVersion(1), { epoch: 2, candidates: 1, selection: 2, policy: 2 }, epochInVersion(3, 2)],
      stale: [3],
      ...ACTION,
    });
  });

  test('epochs that had not ended by then are no part of the sums, and are made in its version', async () => {
    const made = fixture();
    const campaign = await made.pin('c', { epochs: 3 });
    await ended(made, campaign, 1, '12345f');
    const change = { revision: 1, retried: { epoch: 1, candidates: 1 }, finished: 1 };
    expect(await record(made, campaign, { ...change, changed: false })).toEqual(NOTHING);
    expect(await recorded(made, 1)).toMatchObject({ versions: [{ epoch: 1, candidates: 1, selection: 2, policy: 1 }, epochInVersion(2, 2), epochInVersion(3, 2)], stale: [] });
  });

  test('builds on the one before, and supersedes what that had made', async () => {
    const made = fixture();
    const campaign = await afterThree(made);
    await record(made, campaign, { ...secondRetried, changed: true });
    await ended(made, campaign, 2, '12345f', { version: 2 });
    await ended(made, campaign, 3, '12345r', { version: 2 });
    expect(await record(made, campaign, { revision: 2, retried: { epoch: 2, candidates: 1 }, changed: false })).toEqual(NOTHING);
    expect(await recorded(made, 2)).toMatchObject({ versions: [epochInVersion(1), { epoch: 2, candidates: 1, selection: 3, policy: 2 }, epochInVersion(3, 2)], stale: [] });
    await ended(made, campaign, 2, '123457', { version: 3, policy: false });
    const sums = await record(made, campaign, { revision: 3, retried: { epoch: 1, candidates: 1 }, changed: true });
    expect(sums).toEqual({ proposed: 12, failed: 0, rejected: 1, retryable: 0, tied: 0 });
    expect(await recorded(made, 3)).toMatchObject({ versions: [{ epoch: 1, candidates: 1, selection: 4, policy: 4 }, epochInVersion(2, 4), epochInVersion(3, 4)], stale: [2, 3] });
  });

  test('is told alike by a second attempt, although it counts by then', async () => {
    const made = fixture();
    const campaign = await afterThree(made);
    const change = { ...secondRetried, changed: true };
    const first = await record(made, campaign, change);
    const published = await recorded(made, 1);
    expect(await record(made, campaign, change)).toEqual(first);
    expect(await recorded(made, 1)).toEqual(published);
  });
});

describe('the first epoch with failed candidates', () => {
  test('is found with what it began with; failures that no attempt can help count for nothing', async () => {
    const made = fixture();
    const campaign = await afterThree(made);
    expect(await made.run('findFailedEpoch', { campaign, from: 1, to: 3 })).toEqual({
      versions: epochInVersion(2),
      summary: expect.objectContaining({ epoch: 2, proposed: 6, failed: 3 }) as unknown,
      retryable: 3,
      policyBefore: manifestKeys.policy('c', 1),
    });
    expect(await made.run('findFailedEpoch', { campaign, from: 3, to: 3 })).toMatchObject({ versions: { epoch: 3 }, retryable: 1, policyBefore: manifestKeys.policy('c', 2) });
    expect(await made.run('findFailedEpoch', { campaign, from: 1, to: 1 })).toBeNull();
  });

  test('began with the policy of the last epoch before it that kept anything, or with the base', async () => {
    const made = fixture();
    const campaign = await made.pin('c', { epochs: 3 });
    await ended(made, campaign, 1, '12345f');
    await ended(made, campaign, 2, '1234rr', { policy: false });
    await ended(made, campaign, 3, '12345f');
    expect(await made.run('findFailedEpoch', { campaign, from: 1, to: 3 })).toMatchObject({ versions: { epoch: 1 }, policyBefore: null });
    expect(await made.run('findFailedEpoch', { campaign, from: 2, to: 3 })).toMatchObject({ versions: { epoch: 3 }, policyBefore: manifestKeys.policy('c', 1) });
  });

  test('is looked for in the versions that count since the last revision', async () => {
    const made = fixture();
    const campaign = await afterThree(made);
    await record(made, campaign, { revision: 1, retried: { epoch: 2, candidates: 3 }, changed: true });
    await ended(made, campaign, 2, '123456', { version: 2 });
    await ended(made, campaign, 3, '12345f', { version: 2 });
    expect(await made.run('findFailedEpoch', { campaign, from: 1, to: 3 })).toMatchObject({ versions: epochInVersion(3, 2), retryable: 1, policyBefore: manifestKeys.policy('c', 2, 2) });
  });
});

test('ids of contexts are those of a part of a split, in the campaign\'s order', async () => {
  const made = fixture();
  const campaign = await made.pin('c');
  expect(await made.run('contextIds', { campaign, split: 'train', from: 1, to: 3 })).toEqual(made.ids.train.slice(1, 3));
  expect(await made.run('contextIds', { campaign, split: 'heldOut', from: 0, to: 2 })).toEqual(made.ids.heldOut);
});
