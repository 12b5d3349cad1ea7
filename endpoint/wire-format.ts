/**
 * OpenAI's wire format, as far as every compatible server speaks it: one prompt in, one text out, not streamed.
 * Source: OpenAI API reference, "Chat completions" and "Completions".
 */
import { z } from 'zod';
import type { EndpointAnswer, EndpointProtocol, EndpointRequest, EndpointSettings } from '../contracts/endpoint';

const PATHS: Readonly<Record<EndpointProtocol, string>> = { chat: 'chat/completions', completions: 'completions' };

export function requestUrl({ url, protocol }: Pick<EndpointSettings, 'url' | 'protocol'>): string {
  return `${url.replace(/\/+$/, '')}/${PATHS[protocol]}`;
}

/** What is sent: `top_p` and `seed` only where they say something, since some servers refuse what they do not know. */
export function requestBody({ model, protocol }: Pick<EndpointSettings, 'model' | 'protocol'>, request: EndpointRequest): string {
  const { prompt, maxNewTokens, temperature, topP = 1, seed } = request;
  return JSON.stringify({
    model,
    ...(protocol === 'chat' ? { messages: [{ role: 'user', content: prompt }] } : { prompt }),
    max_tokens: maxNewTokens,
    temperature,
    ...(topP === 1 ? {} : { top_p: topP }),
    ...(seed === undefined ? {} : { seed }),
  });
}

const usage = z.object({ completion_tokens: z.number().int().nonnegative().catch(0) }).nullish();
const chatAnswer = z.object({ choices: z.tuple([z.object({ message: z.object({ content: z.string().nullish() }) })], z.unknown()), usage });
const completionsAnswer = z.object({ choices: z.tuple([z.object({ text: z.string() })], z.unknown()), usage });

/** The text of a successful answer, or what is wrong with it in a few words. A refusal without content is an empty text. */
export function readAnswer(protocol: EndpointProtocol, body: string): EndpointAnswer | string {
  const json = parsed(body);
  if (json === undefined) return body.trim() === '' ? 'an empty body' : 'a body that is not JSON';
  if (protocol === 'chat') {
    const answer = chatAnswer.safeParse(json);
    if (!answer.success) return `JSON without choices[0].message.content${stated(json)}`;
    return { text: answer.data.choices[0].message.content ?? '', generatedTokens: answer.data.usage?.completion_tokens ?? 0 };
  }
  const answer = completionsAnswer.safeParse(json);
  if (!answer.success) return `JSON without choices[0].text${stated(json)}`;
  return { text: answer.data.choices[0].text, generatedTokens: answer.data.usage?.completion_tokens ?? 0 };
}

const errorBody = z.object({ error: z.union([z.string(), z.object({ message: z.string() })]) });

/** What the server itself says is wrong, where it says so in the usual place; short and on one line. */
export function serverMessage(body: string): string | null {
  return statedMessage(parsed(body));
}

function statedMessage(json: unknown): string | null {
  const error = errorBody.safeParse(json);
  if (!error.success) return null;
  const message = typeof error.data.error === 'string' ? error.data.error : error.data.error.message;
  const line = message.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

function stated(json: unknown): string {
  const message = statedMessage(json);
  return message === null ? '' : `: ${message}`;
}

/** undefined when it is not JSON; JSON itself has no undefined. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
