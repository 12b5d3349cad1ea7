/**
 * Marks for what was answered.
 * Source: paper, "Knowledge Incorporation", evaluation.
 */
import type { CampaignInput } from '../../campaign/campaign';
import type { Answer, Reply } from '../../record/documents/candidates';
import { grade } from '../../seal/graders/grade';
import type { GradedAnswer } from '../../seal/graders/graded-answer';
import type { Services } from '../services';
import { judgeAnswers, judgeSettings, type JudgedAnswer } from './judge-answers';

/**
 * Marks, one list an examinee. A judge is asked here: wait for it where it does not hold up the language model.
 *
 * @throws as `TextEndpoint.ask`, where the grader is `judge`
 */
export async function gradeReplies(
  services: Services,
  input: CampaignInput,
  replies: readonly (readonly Reply[])[],
  signal: AbortSignal,
): Promise<Answer[][]> {
  const marks = await marksOf(services, input, replies.flat().filter(isUnmarked), signal);
  let next = 0;
  return replies.map((list) => list.map((reply) => (isUnmarked(reply) ? { ...reply, ...marks[next++]! } : reply)));
}

/** What of a campaign's settings decides a mark; for lineages. */
export function gradingSettings({ spec }: CampaignInput): Record<string, unknown> {
  const { grader } = spec.reward;
  const judge = grader === 'judge' ? { judge: judgeSettings(spec) } : {};
  return { grader, maxNewTokens: spec.evaluation.maxNewTokens, ...judge };
}

async function marksOf(
  services: Services,
  input: CampaignInput,
  answers: readonly GradedAnswer[],
  signal: AbortSignal,
): Promise<readonly (JudgedAnswer | Pick<Answer, 'score'>)[]> {
  const { grader } = input.spec.reward;
  if (grader === 'judge') return judgeAnswers(services, input, answers, signal);
  // Its replies carry their score.
  if (grader === 'logprob') return [];
  return answers.map((answer) => ({ score: grade(grader, answer) }));
}

function isUnmarked(reply: Reply): reply is GradedAnswer {
  return !('score' in reply);
}
