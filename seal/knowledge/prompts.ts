/**
 * The two prompts of knowledge incorporation.
 * Source: paper, "Knowledge Incorporation" and its appendix of prompts.
 *
 * Departure: the layout around the passage and the question is the paper's, the instruction sentences are ours, each
 * one short sentence, because a tiny model pays for every token of its context. The shipped nano model is trained on
 * these exact strings: a changed character here calls for a newly trained model.
 */

/** What a policy continues with a self-edit: lines that follow from the passage. */
export function implicationsPrompt(title: string, context: string): string {
  return `List facts that follow from this passage.\n\nPassage:\n${title}\n${context}\n\nImplications:\n`;
}

/** A closed-book question: the passage is not in the prompt, only its title. */
export function questionPrompt(title: string, question: string): string {
  return `Answer in a few words.\nQuestion: Topic: ${title}\n${question}\nAnswer:\n`;
}
