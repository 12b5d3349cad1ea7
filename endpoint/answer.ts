/**
 * An endpoint's successful answer: the text that it wrote, or why there is none to use.
 * Source: OpenAI API reference, "Chat completions" and "Completions"; what compatible servers do beside it, as said below.
 */
import { z } from 'zod';
import type { EndpointAnswer, EndpointProtocol } from '../campaign/endpoint';
import { withoutReasoning } from './reasoning';
import { describedError, fieldsOf, parsedJson, serverMessage } from './server-message';

export type ReadAnswer =
  | ({ readonly kind: 'text' } & Pick<EndpointAnswer, 'text' | 'generatedTokens' | 'isCutOff'>)
  /** `why`: a few words. `quote`: what the server says of it, as long as it likes. */
  | { readonly kind: 'none'; readonly why: string; readonly quote?: string; readonly isCutOff: boolean };

/** As OpenAI, TGI, Together, Cohere and Anthropic name an end that the model chose. */
const WHOLE = ['stop', 'eos', 'eos_token', 'stop_sequence', 'end_turn', 'complete'];
/** As OpenAI, Mistral, Anthropic and Gemini name a limit of tokens. */
const CUT_OFF = ['length', 'model_length', 'max_tokens', 'max_length'];

const parts = z.array(z.looseObject({ type: z.string() }));
const chatMessage = z.looseObject({ content: z.union([z.string(), parts]).nullish() });

/** What a choice holds, whatever the protocol. */
interface Written {
  readonly text: string;
  readonly refusal: string;
  /** Beside the text, where the server parts them. */
  readonly hasReasoning: boolean;
}

/** Reads a body of status 200. Reasoning is left out of the text; a text that is left empty is none. */
export function readAnswer(protocol: EndpointProtocol, body: string): ReadAnswer {
  const json = parsedJson(body);
  if (json === undefined) return unreadable(body);
  const { choices, error, usage } = fieldsOf(json);
  if (isError(error)) return { kind: 'none', why: 'an error', quote: describedError(json), isCutOff: false };
  const choice = fieldsOf(Array.isArray(choices) ? choices[0] : undefined);
  if (isError(choice['error'])) return { kind: 'none', why: 'an error in its choice', quote: describedError({ error: choice['error'] }), isCutOff: false };
  const written = protocol === 'chat' ? chatText(choice) : completionText(choice);
  if (written === null) {
    const place = protocol === 'chat' ? 'message.content' : 'text';
    return { kind: 'none', why: `JSON without choices[0].${place}`, quote: describedError(json), isCutOff: false };
  }
  return usable(written, choice['finish_reason'] ?? 'stop', tokensOf(usage));
}

function usable({ text, refusal, hasReasoning }: Written, finishReason: unknown, generatedTokens: number): ReadAnswer {
  const end = typeof finishReason === 'string' ? finishReason : JSON.stringify(finishReason);
  const isCutOff = CUT_OFF.includes(end.toLowerCase());
  const none = (why: string, quote?: string): ReadAnswer => ({ kind: 'none', why, ...(quote === undefined ? {} : { quote }), isCutOff });
  if (refusal !== '') return none('a refusal', refusal);
  if (!isCutOff && end !== '' && !WHOLE.includes(end.toLowerCase())) return none('a reply that ended with the finish_reason', end);
  const answer = withoutReasoning(text);
  if (answer === null) return none(isCutOff ? 'a reply that was cut off while it reasoned' : 'a reply whose reasoning has no end');
  if (answer.trim() !== '') return { kind: 'text', text: answer, generatedTokens, isCutOff };
  if (isCutOff) return none('a reply that was cut off before its first word');
  return none(hasReasoning || text !== answer ? 'an empty reply after its reasoning' : 'an empty reply');
}

/** `error: null` stands beside the choices of some servers. */
function isError(error: unknown): boolean {
  return typeof error === 'string' ? error !== '' : typeof error === 'object' ? error !== null : error === true;
}

function chatText(choice: Readonly<Record<string, unknown>>): Written | null {
  const message = chatMessage.safeParse(choice['message']);
  if (!message.success) return null;
  const { content, refusal, reasoning_content: deepSeeks, reasoning } = message.data;
  const hasReasoning = [deepSeeks, reasoning].some((one) => typeof one === 'string' && one !== '');
  const list = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
  return {
    text: textsOf(list, 'text'),
    refusal: typeof refusal === 'string' && refusal !== '' ? refusal : textsOf(list, 'refusal'),
    hasReasoning: hasReasoning || list.some(({ type }) => type === 'thinking' || type === 'reasoning'),
  };
}

/** Mistral and some gateways part a message: `{type: 'text', text}` beside `{type: 'thinking', ...}`. */
function textsOf(list: z.infer<typeof parts>, type: 'text' | 'refusal'): string {
  return list.map((part) => (part.type === type && typeof part[type] === 'string' ? part[type] : '')).join('');
}

function completionText({ text }: Readonly<Record<string, unknown>>): Written | null {
  return typeof text === 'string' ? { text, refusal: '', hasReasoning: false } : null;
}

function tokensOf(usage: unknown): number {
  const count = fieldsOf(usage)['completion_tokens'];
  return Number.isSafeInteger(count) && (count as number) >= 0 ? (count as number) : 0;
}

function unreadable(body: string): ReadAnswer {
  if (body.trim() === '') return { kind: 'none', why: 'an empty body', isCutOff: false };
  if (/^\s*(data|event|id|retry|):/.test(body)) return { kind: 'none', why: 'a stream of events, which was not asked for', isCutOff: false };
  return { kind: 'none', why: 'a body that is not JSON', quote: serverMessage(body) ?? '', isCutOff: false };
}
