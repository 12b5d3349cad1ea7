import type { ReportDocument } from '../../activities/report/report-document';

/** A finished campaign with every kind of candidate, for the renderers. */
export function sampleDocument(): ReportDocument {
  const candidates = [1, 2].flatMap((epoch) =>
    Array.from({ length: 96 }, (_, index) => {
      const scored = index % 24 !== 7;
      const eighths = (index * 7 + epoch * 2) % 6;
      return {
        id: `demo/epoch-${epoch}/0a1b2c3d/c${index + 1}`,
        epoch,
        contextId: '0a1b2c3d',
        title: 'Vel, "a town"',
        candidate: index + 1,
        status: scored ? ('scored' as const) : ('rejected' as const),
        reward: scored ? (eighths + epoch) / 8 : null,
        repeatRewards: scored ? [(eighths + epoch) / 8] : [],
        selected: scored && eighths === 5,
        steps: scored ? 16 : null,
        trainedTokens: scored ? 1200 : null,
        reason: scored ? '' : 'no line to train on, only <blank> lines',
        adapters: scored ? ['ab'.repeat(32)] : [],
      };
    }),
  );
  const method = (name: string, score: number, meanTokens: number, meanSteps: number) => ({
    name,
    grader: 'exact',
    score,
    standardError: 0.014,
    n: 60,
    meanTokens,
    meanSteps,
  });
  return {
    report: {
      campaignId: 'demo',
      state: 'completed',
      methods: [
        method('base', 0.042, 0, 0),
        method('passage-only', 0.167, 410, 6),
        method('passage-only-step-matched', 0.41, 940, 14),
        method('self-edits', 0.354, 880, 14.5),
        method('seal-epoch-1', 0.422, 960, 16.3),
        method('seal-epoch-2', 0.51, 1130, 19),
      ],
      epochs: [
        { epoch: 1, proposed: 96, rejected: 4, failed: 0, kept: 12, meanReward: 0.31, bestReward: 0.75 },
        { epoch: 2, proposed: 96, rejected: 4, failed: 0, kept: 12, meanReward: 0.44, bestReward: 0.875 },
      ],
      comparisons: [
        { a: 'seal-epoch-1', b: 'self-edits', difference: 0.068, pairedStandardError: 0.015, n: 60 },
        { a: 'seal-epoch-2', b: 'passage-only-step-matched', difference: -0.021, pairedStandardError: 0.017, n: 60 },
      ],
      ledger: {
        wallSeconds: 251.3,
        trainSeconds: 141,
        evaluateSeconds: 60.2,
        generateSeconds: 31.9,
        trainedTokens: 412_034,
        generatedTokens: 31_200,
        retries: 1,
      },
      excluded: candidates
        .filter((candidate) => candidate.status !== 'scored')
        .map(({ id, status, reason }) => ({ id, status, reason })),
    },
    candidates,
    lineage: {
      name: 'demo',
      seed: 7,
      codeVersion: '0.1.0',
      specSha256: '11'.repeat(32),
      model: { 'config.json': '22'.repeat(32), 'model.safetensors': '33'.repeat(32) },
      trainSha256: '44'.repeat(32),
      heldOutSha256: '55'.repeat(32),
      settings: { threads: 2, instructionSet: 'avx512' },
    },
  };
}
