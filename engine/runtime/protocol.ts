import { BadInputError, type BadInputDetail, DiskFullError, MachineUnableError, NotFiniteError, OutOfMemoryError } from '../../campaign/errors';
import type {
  ComputeProgress,
  CountTokensRequest,
  FineTuneRequest,
  FineTuneResult,
  GenerateRequest,
  GenerateResult,
  MergeRequest,
  ModelDescription,
  ScoreRequest,
  ScoreResult,
} from '../../campaign/language-model';
import type { PretrainRequest, PretrainResult } from '../model/pretraining/pretrain';
import { asReported } from './reported-failure';

/** What the compute process does: method -> [request, result]. */
export interface ComputeMethods {
  /** Answered as soon as what runs is done. */
  ping: [null, null];
  describe: [string, ModelDescription];
  fineTune: [FineTuneRequest, FineTuneResult];
  generate: [GenerateRequest, GenerateResult];
  score: [ScoreRequest, ScoreResult];
  merge: [MergeRequest, null];
  countTokens: [CountTokensRequest, readonly number[]];
  pretrain: [PretrainRequest, PretrainResult];
}
export type ComputeMethod = keyof ComputeMethods;

export interface ComputeCall<Method extends ComputeMethod = ComputeMethod> {
  /** Carried by every reply to it. */
  readonly id: number;
  readonly method: Method;
  readonly request: ComputeMethods[Method][0];
}

/** With each, the call that it belongs to, and the most memory that the process has held since that call began. */
export type ComputeReply = ComputeMessage & { readonly id: number; readonly peakMemoryBytes: number };

export type ComputeMessage =
  | { readonly kind: 'progress'; readonly progress: ComputeProgress }
  /** It is getting on, though there is nothing to count yet: a model is being opened, a prompt read. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly error: EncodedError };

/** An error as it crosses the process boundary. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly detail?: BadInputDetail;
}

export function encodeError(thrown: unknown): EncodedError {
  const error = asReported(thrown instanceof Error ? thrown : new Error(String(thrown)));
  return {
    name: error.name,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error instanceof BadInputError ? { detail: error.detail } : {}),
  };
}

/** Classes that keep their name on the way; any other arrives as an Error with its name. */
const CROSSING = [NotFiniteError, OutOfMemoryError, DiskFullError];

export function decodeError({ name, message, stack, detail }: EncodedError): Error {
  if (detail !== undefined) return name === 'MachineUnableError' ? new MachineUnableError(detail) : new BadInputError(detail);
  const known = CROSSING.find((type) => type.name === name);
  const error = known === undefined ? Object.assign(new Error(message), { name }) : new known(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
