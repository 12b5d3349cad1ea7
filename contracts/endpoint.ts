import { z } from 'zod';

/** OpenAI's two ways of asking: a plain text to continue, or a conversation of one message. */
const ENDPOINT_PROTOCOLS = ['chat', 'completions'] as const;
export type EndpointProtocol = (typeof ENDPOINT_PROTOCOLS)[number];

/** A text endpoint as a campaign file names it. The key itself is in no file: only the name of its variable is. */
export const endpointSettingsSchema = z.strictObject({
  /** Without the last part: `/chat/completions` or `/completions` is added. */
  url: z.string().refine(isBaseUrl, { message: 'an http or https address without user, password, query and fragment' }),
  model: z.string().min(1),
  /** Absent: no key is sent. The suffix keeps a campaign file from sending other secrets of the environment away. */
  apiKeyVariable: z
    .string()
    .regex(/^([A-Z][A-Z0-9_]*_)?API_KEY$/, 'the name of an environment variable that ends in API_KEY')
    .optional(),
  protocol: z.enum(ENDPOINT_PROTOCOLS).default('chat'),
  /** Requests of one worker at once. */
  concurrency: z.number().int().positive().max(256).default(4),
  /** For one attempt, from request to last byte. Node's fetch itself gives up after 300 s of silence. */
  timeoutSeconds: z.number().positive().max(300).default(120),
  /** Further attempts after one that may be repeated. */
  retries: z.number().int().nonnegative().max(20).default(5),
});
export type EndpointSettings = z.infer<typeof endpointSettingsSchema>;

/** The endpoint of the `judge` grader. */
export const judgeSettingsSchema = endpointSettingsSchema.extend({
  /** Of a verdict; a model that thinks aloud first needs more. */
  maxNewTokens: z.number().int().positive().default(16),
});
export type JudgeSettings = z.infer<typeof judgeSettingsSchema>;

export interface EndpointRequest {
  readonly prompt: string;
  readonly maxNewTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** @default 1 */
  readonly topP?: number;
  /** Unsigned 32-bit. Endpoints promise little about it. */
  readonly seed?: number;
}

export interface EndpointAnswer {
  readonly text: string;
  /** As the endpoint counts them; 0 where it does not say. */
  readonly generatedTokens: number;
}

/** A language model that is asked over HTTP. */
export interface TextEndpoint {
  /**
   * @throws BadInputError for what no repetition helps (a wrong key, model or address), EndpointFailedError (retryable) when
   * the attempts are used up, ComputeCancelledError when `signal` aborts
   */
  ask(request: EndpointRequest, signal: AbortSignal): Promise<EndpointAnswer>;
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && [username, password, search, hash].every((part) => part === '');
}
