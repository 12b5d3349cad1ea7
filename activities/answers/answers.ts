/**
 * What one or several adapters of a policy are asked, and what they answer; `grade-replies.ts` gives the marks.
 * Source: paper, "General Framework": the reward is the adapted model's performance on the context's task.
 */
import type { CampaignInput } from '../../campaign/campaign';
import type { ComputeOptions, LanguageModel } from '../../campaign/language-model';
import type { Reply } from '../../record/documents/candidates';
import type { Domain } from '../../seal/domains/domain';
import { logprobPerToken } from '../../seal/graders/logprob';
import { type MemoryBound, memoryLineage } from '../execution/less-memory';

export interface Examinee {
  /** PEFT directory; null: the policy itself. */
  readonly adapterDirectory: string | null;
  readonly task: unknown;
}

export interface Examination {
  /** One list an examinee, in order. */
  readonly replies: readonly (readonly Reply[])[];
  readonly generatedTokens: number;
}

/** Puts each examinee's own task to it, in one request of a fixed batch. */
export async function examine(
  model: LanguageModel,
  domain: Domain,
  input: CampaignInput,
  { modelDirectory, memoryParts }: { readonly modelDirectory: string } & MemoryBound,
  examinees: readonly Examinee[],
  options: ComputeOptions,
): Promise<Examination> {
  const { compute } = input.spec;
  if (input.spec.reward.grader === 'logprob') {
    const gold = examinees.map(({ task }) => domain.goldAnswers(task));
    const groups = examinees.map(({ adapterDirectory }, i) => ({ adapterDirectory, rows: gold[i]!.map(({ row }) => row) }));
    const scored = await model.score({ modelDirectory, compute, groups, ...memoryLineage({ memoryParts }) }, options);
    const replies = gold.map((answers, i) => {
      const scores = logprobPerToken(scored.groups[i]!);
      return answers.map(({ question, goldAnswer }, q) => ({ question, goldAnswer, score: scores[q]! }));
    });
    return { replies, generatedTokens: 0 };
  }
  const groups = examinees.map(({ adapterDirectory, task }) => ({ adapterDirectory, rows: domain.probes(task) }));
  const { maxNewTokens } = input.spec.evaluation;
  const request = { modelDirectory, compute, groups, maxNewTokens, temperature: 0, topP: 1, ...memoryLineage({ memoryParts }) };
  const { groups: continued, generatedTokens } = await model.generate(request, options);
  const replies = examinees.map(({ task }, i) => domain.answers(task, continued[i]!.map(({ text }) => text)).map((answer) => ({ ...answer })));
  return { replies, generatedTokens };
}
