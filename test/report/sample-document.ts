import { timelineOf } from '../../report/timeline';
import { NOTHING_SPENT } from '../../campaign/ledger';
import { type CampaignReport, type ReportDocument } from '../../record/documents/report';
import type { WorkRecord } from '../../record/documents/work';

/** What a model or a data set may have written. */
export const HOSTILE = '</pre><script>alert("x")</script> & \'<img src=x onerror=alert(1)>\'';


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
        selfEditCharacters: 80 + ((index * 37) % 200),
        isCutOff: epoch === 1 && index < 20,
        memoryParts: scored && epoch === 2 && index === 5 ? 2 : 1,
      };
    }),
  );
  const method = (name: string, score: number, meanTokens: number, meanSteps: number) => ({
    name,
    grader: 'exact',
    score,
    standardError: 0.014,
    n: 60,
    runs: 60,
    rejected: name === 'self-edits' ? 2 : 0,
    diverged: name === 'self-edits' ? 1 : 0,
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
        { epoch: 1, proposed: 96, cutOff: 20, rejected: 4, failed: 0, kept: 12, meanReward: 0.31, bestReward: 0.75, compared: 12, tied: 3 },
        { epoch: 2, proposed: 96, cutOff: 0, rejected: 4, failed: 0, kept: 12, meanReward: 0.44, bestReward: 0.875, compared: 12, tied: 12 },
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
        redoneSteps: 12,
        peakMemoryBytes: 734_003_200,
      },
      excluded: candidates
        .filter((candidate) => candidate.status !== 'scored')
        .map(({ id, status, reason }) => ({ id, status, reason })),
      ...sampleDetails(),
    },
    candidates,
    lineage: {
      name: 'demo',
      seed: 7,
      codeVersion: '0.1.0',
      otherCode: [{ version: '0.1.1', computations: 12 }],
      specSha256: '11'.repeat(32),
      model: { 'config.json': '22'.repeat(32), 'model.safetensors': '33'.repeat(32) },
      trainSha256: '44'.repeat(32),
      heldOutSha256: '55'.repeat(32),
      settings: { threads: 2, instructionSet: 'avx512' },
    },
  };
}

function sampleDetails(): Omit<CampaignReport, 'campaignId' | 'state' | 'methods' | 'epochs' | 'comparisons' | 'ledger' | 'excluded'> {
  const selfEdit = (method: string, text: string, score: number) => ({
    method,
    text,
    characters: text.length,
    score,
    rejected: false,
    diverged: false,
    answers: [{ question: `Where is Vel? ${HOSTILE}`, goldAnswer: 'by the sea', answer: score > 0.3 ? 'by the sea' : HOSTILE, score: score > 0.3 ? 1 : 0 }],
  });
  return {
    ledgerByWorker: [
      { name: '12@gpu-1', done: 430, failed: 1, lost: 0, trainSeconds: 120, evaluateSeconds: 60.2, generateSeconds: 31.9, trainedTokens: 400_000, generatedTokens: 31_200, redoneSteps: 0, peakMemoryBytes: 734_003_200 },
      { name: `7@${HOSTILE}`, done: 2, failed: 0, lost: 1, trainSeconds: 21, evaluateSeconds: 0, generateSeconds: 0, trainedTokens: 12_034, generatedTokens: 0, redoneSteps: 12, peakMemoryBytes: 0 },
    ],
    cost: { pricePerHour: 2.5, currency: 'EUR', amount: 0.162 },
    revisions: [{ revision: 1, by: `eve ${HOSTILE}`, why: 'the disk was full', retried: { epoch: 1, candidates: 3 }, changed: true, stale: [2] }],
    lessMemory: [{ id: 'demo/epoch-2/sample/c6', memoryParts: 2 }],
    campaign: { name: 'demo', seed: 7, model: 'nano', modelSha256: '66'.repeat(32), codeVersion: '0.1.0' },
    fineTunes: 432,
    losses: {
      part: 'pass',
      innerLoop: [1, 2].map((epoch) => ({
        epoch,
        sampled: 92,
        candidates: 92,
        parts: [1, 2, 3, 4, 5, 6].map((part) => ({ part, n: 92, low: 2 / part / epoch, median: 3 / part / epoch, high: 4 / part / epoch })),
      })),
      mStep: [1, 2].map((epoch) => ({ epoch, steps: 15, points: Array.from({ length: 15 }, (_, step) => ({ step, loss: 3 / (1 + step) / epoch })) })),
    },
    timeline: timelineOf(sampleWork()),
    lengths: [
      { epoch: 1, n: 92, medianCharacters: 181, correlation: 0.12, withinContexts: -0.031 },
      { epoch: 2, n: 92, medianCharacters: 170.5, correlation: 0.3, withinContexts: null },
    ],
    examples: [
      {
        contextId: '0a1b2c3d',
        title: `Vel ${HOSTILE}`,
        passage: `Vel is a town by the sea. ${HOSTILE}`,
        selfEdits: [selfEdit('self-edits', `Vel is a town.\n${HOSTILE}`, 0.25), selfEdit('seal-epoch-2', 'Vel lies by the sea.\nThe sea is near Vel.', 0.75)],
      },
    ],
    contexts: [
      { contextId: '0a1b2c3d', title: HOSTILE, scores: { base: 0, 'self-edits': 0.25, 'seal-epoch-2': 0.75 } },
      { contextId: '1b2c3d4e', title: 'Ral', scores: { base: 0.25, 'seal-epoch-2': 0.5 } },
    ],
  };
}

/** Two workers, the second of which failed once. */
function sampleWork(): WorkRecord[] {
  const begin = Date.parse('2026-11-22T09:00:00.000Z');
  return Array.from({ length: 24 }, (_, i) => ({
    kind: i % 2 === 0 ? ('fine-tune' as const) : ('evaluate' as const),
    scope: i < 12 ? 'epoch-1' : 'epoch-2',
    from: i * 8,
    to: i * 8 + 8,
    repeat: 1,
    worker: i % 4 < 2 ? '412@alpha' : '97@beta',
    attempt: 1,
    spent: NOTHING_SPENT,
    startedAt: new Date(begin + i * 6000).toISOString(),
    seconds: i % 2 === 0 ? 9 : 2.5,
    outcome: i === 15 ? ('failed' as const) : ('done' as const),
  }));
}
