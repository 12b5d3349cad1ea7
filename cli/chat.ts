import { BadInputError } from '../campaign/errors';
import type { GenerateRow, TrainingRow } from '../campaign/language-model';
import { type ChatMessage, type ChatTemplate, loadChatTemplate } from '../engine/files/chat-template';
import { kindOf } from './input-file';
import { type RowFile, readRows, textField } from './row-file';

export interface ChatFlags {
  readonly chat?: true;
  readonly system?: string;
  readonly date?: string;
}

const ROW_FIELDS = '{"prompt": string} or {"messages": [{"role": string, "content": string}, ...]}';

/** Conversations of a JSONL file: of a row {prompt}, what the user says; of {messages}, those. @throws BadInputError naming file and line */
export function readConversations(path: string): RowFile<ChatMessage[]> {
  return readRows(path, (fields, where) => {
    const names = Object.keys(fields).join(',');
    if (names === 'prompt') return conversationOf(textField(fields, 'prompt', where));
    if (names !== 'messages') throw new BadInputError({ where, expected: ROW_FIELDS, got: names === '' ? 'no fields' : `the fields ${names}` });
    return readMessages(fields['messages'], where);
  });
}

function readMessages(messages: unknown, where: string): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new BadInputError({ where: `${where}: messages`, expected: 'a list of at least one message', got: Array.isArray(messages) ? 'none' : kindOf(messages) });
  }
  return messages.map((message: unknown, i) => readMessage(message, `${where}: messages ${i + 1}`));
}

export function conversationOf(prompt: string): ChatMessage[] {
  return [{ role: 'user', content: prompt }];
}

function readMessage(message: unknown, where: string): ChatMessage {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new BadInputError({ where, expected: '{"role": string, "content": string}', got: kindOf(message) });
  }
  const fields = message as Record<string, unknown>;
  const other = Object.keys(fields).find((name) => name !== 'role' && name !== 'content');
  if (other !== undefined) throw new BadInputError({ where, expected: 'role and content only', got: `the field ${JSON.stringify(other)}` });
  return { role: textField(fields, 'role', where), content: textField(fields, 'content', where) };
}

/**
 * Prompts that open the assistant's turn, by the model's own chat template.
 *
 * @throws BadInputError if the model has no template, or the template does not take the messages
 */
export function chatPrompts(modelDirectory: string, conversations: readonly (readonly ChatMessage[])[], { system, date }: ChatFlags): GenerateRow[] {
  const template = loadChatTemplate(modelDirectory);
  const opening = system === undefined ? [] : [{ role: 'system', content: system }];
  return conversations.map((messages) => ({
    prompt: template.render([...opening, ...messages], { addGenerationPrompt: true, ...(date === undefined ? {} : { date }) }),
    hasSpecialTokens: true,
  }));
}

/**
 * Makes training rows of conversations that end with the assistant's turn: that turn, as the template writes it with its end, is the
 * completion; what comes before it is the prompt.
 *
 * @returns the row of `{messages}`. @throws BadInputError naming the line, for another last turn or a template that changes earlier ones
 */
export function chatRowReader(modelDirectory: string, date: string | undefined): (messages: unknown, where: string) => TrainingRow {
  let template: ChatTemplate | undefined;
  return (value, where) => {
    const messages = readMessages(value, where);
    if (messages.at(-1)?.role !== 'assistant') {
      throw new BadInputError({ where: `${where}: messages`, expected: 'an assistant\'s turn at the end', got: JSON.stringify(messages.at(-1)?.role) });
    }
    template ??= loadChatTemplate(modelDirectory);
    const day = date === undefined ? {} : { date };
    const prompt = template.render(messages.slice(0, -1), { addGenerationPrompt: true, ...day });
    const whole = template.render(messages, { addGenerationPrompt: false, ...day });
    if (whole.startsWith(prompt)) return { prompt, completion: whole.slice(prompt.length), isChat: true };
    throw new BadInputError({ where: `${where}: messages`, expected: 'a chat template that writes earlier turns the same with and without the last one', got: 'one that does not' });
  };
}

/** @throws BadInputError for a flag that only a chat has */
export function refuseChatFlags({ system, date }: ChatFlags): void {
  for (const [flag, value] of [['--system', system], ['--date', date]] as const) {
    if (value !== undefined) throw new BadInputError({ where: flag, expected: '--chat beside it', got: 'no --chat' });
  }
}
