import { z } from 'zod';

/** OpenAI's two ways of asking: a plain text to continue, or a conversation of one message. */
const ENDPOINT_PROTOCOLS = ['chat', 'completions'] as const;
export type EndpointProtocol = (typeof ENDPOINT_PROTOCOLS)[number];

/** A text endpoint as a campaign file names it. The key itself is in no file: only the name of its variable is. */
export const endpointSettingsSchema = z.strictObject({
  /** Without the last part: `/chat/completions` or `/completions` is added, before the query. */
  url: z.string().refine(isBaseUrl, { message: 'an http or https address without user, password and fragment, and without a query but ?api-version=VERSION' }),
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
  /**
   * Of a verdict and the reasoning before it, which takes hundreds of tokens; a model that does not reason ends after a word, whatever the
   * limit.
   */
  maxNewTokens: z.number().int().positive().default(2048),
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
  /** The field of the campaign file that raises `maxNewTokens`, for messages. */
  readonly limitField?: string;
  /** The field that the temperature stands in. Without one nobody chose it, and where the endpoint refuses it, it is left out. */
  readonly temperatureField?: string;
  /** Whether a text that the token limit cut off is of use. @default it never is, and the attempt has failed */
  readonly isUsableCutOff?: (text: string) => boolean;
}

/** What shaped an answer, in OpenAI's names; what is absent was left to the endpoint. */
export interface SentParameters {
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly seed?: number;
}

export interface EndpointAnswer {
  /** Without reasoning; never blank. */
  readonly text: string;
  /** As the endpoint counts them, reasoning included; 0 where it does not say. */
  readonly generatedTokens: number;
  /** The token limit ended the text. */
  readonly isCutOff: boolean;
  readonly sent: SentParameters;
}

/** A language model that is asked over HTTP. */
export interface TextEndpoint {
  /**
   * @throws BadInputError for what no repetition helps (a wrong key, model or address), EndpointFailedError (retryable) when
   * the attempts are used up, ComputeCancelledError when `signal` aborts
   */
  ask(request: EndpointRequest, signal: AbortSignal): Promise<EndpointAnswer>;
}

/** A query may hold a secret, and addresses are stored: only Azure's versions are let through, a date or a word. */
const API_VERSION = /^\?api-version=(\d{4}-\d{2}-\d{2}(-preview)?|preview|latest|v1)$/;

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  const isQueryAllowed = search === '' || API_VERSION.test(search);
  return (protocol === 'http:' || protocol === 'https:') && isQueryAllowed && [username, password, hash].every((part) => part === '');
}
