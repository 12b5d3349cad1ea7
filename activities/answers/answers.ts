/**
 * Closed-book questions to one or several adapters of a policy, and what they answer; `grade-replies.ts` gives the marks.
 * Source: paper, "Knowledge Incorporation", evaluation.
 */
import type { CampaignInput } from '../../contracts/campaign';
import type { Context } from '../../contracts/campaign-spec';
import type { ComputeOptions, LanguageModel } from '../../contracts/language-model';
import type { Reply } from '../../record/documents/candidates';
import type { Domain } from '../../seal/domain';
import { logprobPerToken } from '../../seal/graders/logprob';
import { type MemoryBound, memoryLineage } from '../execution/less-memory';

export interface Examinee {
  /** PEFT directory; null: the policy itself. */
  readonly adapterDirectory: string | null;
  readonly context: Context;
}

export interface Examination {
  /** One list an examinee, in order. */
  readonly replies: readonly (readonly Reply[])[];
  readonly generatedTokens: number;
}

/** Puts each examinee's own questions to it, in one request of a fixed batch. */
export async function examine(
  model: LanguageModel,
  domain: Domain,
  input: CampaignInput,
  { modelDirectory, memoryParts }: { readonly modelDirectory: string } & MemoryBound,
  examinees: readonly Examinee[],
  options: ComputeOptions,
): Promise<Examination> {
  const { compute } = input.spec;
  const { grader } = input.spec.reward;
  if (grader === 'logprob') {
    const groups = examinees.map(({ adapterDirectory, context }) => ({
      adapterDirectory,
      rows: context.questions.map((question) => domain.goldAnswerRow(context, question)),
    }));
    const scored = await model.score({ modelDirectory, compute, groups, ...memoryLineage({ memoryParts }) }, options);
    const replies = examinees.map(({ context }, i) => {
      const scores = logprobPerToken(scored.groups[i]!);
      return context.questions.map(({ question, answer }, q) => ({ question, goldAnswer: answer, score: scores[q]! }));
    });
    return { replies, generatedTokens: 0 };
  }
  const groups = examinees.map(({ adapterDirectory, context }) => ({
    adapterDirectory,
    rows: context.questions.map((question) => ({ prompt: domain.questionPrompt(context, question) })),
  }));
  const { maxNewTokens } = input.spec.evaluation;
  const request = { modelDirectory, compute, groups, maxNewTokens, temperature: 0, topP: 1, ...memoryLineage({ memoryParts }) };
  const generated = await model.generate(request, options);
  const replies = examinees.map(({ context }, i) =>
    context.questions.map(({ question, answer: goldAnswer }, q) => ({ question, goldAnswer, answer: generated.groups[i]![q]!.text })),
  );
  return { replies, generatedTokens: generated.generatedTokens };
}
