/**
 * The prompts of knowledge incorporation: six that ask for a self-edit, one that asks a closed-book question.
 * Source: paper, "Knowledge Incorporation" and its appendix of prompts; the variants are those of its prompt ablation.
 *
 * Departure: the layout around the passage and the question is the paper's, the instruction sentences are ours, each
 * one short sentence, because a tiny model pays for every token of its context. The shipped nano model is trained on
 * `implicationsPrompt` and `questionPrompt` as they stand: a changed character there calls for a newly trained model.
 */
import type { PromptName } from '../../../campaign/campaign-spec';

/** What a policy continues with a self-edit: lines that follow from the passage. */
export function implicationsPrompt(title: string, context: string): string {
  return `List facts that follow from this passage.\n\nPassage:\n${title}\n${context}\n\nImplications:\n`;
}

/** A closed-book question: the passage is not in the prompt, only its title. */
export function questionPrompt(title: string, question: string): string {
  return `Answer in a few words.\nQuestion: Topic: ${title}\n${question}\nAnswer:\n`;
}

type Prompt = (title: string, context: string) => string;

const SELF_EDIT_PROMPTS: Readonly<Record<PromptName, Prompt>> = {
  implications: implicationsPrompt,
  'implications-long': asking('Write a long list of facts that follow from this passage.', 'Implications:\n'),
  'implications-very-long': asking('Write a very long list of all facts that follow from this passage.', 'Implications:\n'),
  rewrite: asking('Rewrite this passage in several ways, each on a line of its own.', 'Rewritten passages:\n'),
  'self-qa': asking('Write questions about this passage, each with its answer.', 'Question 1: '),
  // Our reading of "no prompt": nothing but the passage.
  none: (title, context) => `${title}\n${context}\n\n`,
};

/** What a policy continues with a self-edit, by the prompt's name in the campaign file. */
export function selfEditPrompt(prompt: PromptName, title: string, context: string): string {
  return SELF_EDIT_PROMPTS[prompt](title, context);
}

function asking(instruction: string, leadIn: string): Prompt {
  return (title, context) => `${instruction}\n\nPassage:\n${title}\n${context}\n\n${leadIn}`;
}
