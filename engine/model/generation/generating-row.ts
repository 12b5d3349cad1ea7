import { NotFiniteError } from '../../../campaign/errors';
import type { GenerateRequest, GeneratedRow } from '../../../campaign/language-model';
import type { ModelConfig } from '../../files/model-config';
import type { Tokenizer } from '../../files/tokenizer';
import type { NextToken } from './decoding-run';
import { randomStream } from '../random';
import { logProbability, sampleToken } from './sampling';

export type Decoding = Pick<GenerateRequest, 'maxNewTokens' | 'temperature' | 'topP' | 'stop' | 'logprobs'>;

/** Whether the largest logit's index is all that is asked of a step. */
export function needsOnlyTokens({ temperature, logprobs = false }: Decoding): boolean {
  return temperature === 0 && !logprobs;
}

/** One row as it grows. */
export class GeneratingRow {
  readonly tokenIds: number[] = [];
  finish: GeneratedRow['finish'] | undefined;
  private readonly logprobs: number[] = [];
  private text: string | undefined;
  private readonly random: () => number;
  /** New tokens that fit: as many as are allowed, or as the model's context leaves. */
  readonly limit: number;

  /** @param where what errors call the row */
  constructor(
    private readonly where: string,
    readonly promptIds: readonly number[],
    private readonly decoding: Decoding,
    private readonly tokenizer: Pick<Tokenizer, 'decode'>,
    private readonly config: Pick<ModelConfig, 'contextLength' | 'eosTokenIds'>,
    seed: number,
  ) {
    this.random = randomStream(seed);
    this.limit = Math.min(decoding.maxNewTokens, config.contextLength - promptIds.length);
  }

  /**
   * Takes the next token, or draws it from its logits; it may end the row.
   *
   * @throws NotFiniteError naming the row and the token whose logits are not finite
   */
  advance(next: NextToken): void {
    if ('token' in next) return this.take(next.token);
    try {
      const id = sampleToken(next.logits, this.decoding, this.random);
      this.take(id, this.decoding.logprobs === true ? logProbability(next.logits, id) : undefined);
    } catch (cause) {
      if (!(cause instanceof NotFiniteError)) throw cause;
      throw new NotFiniteError(`${this.where}, new token ${this.tokenIds.length + 1}: ${cause.message}`, { cause });
    }
  }

  private take(id: number, logprob?: number): void {
    if (this.config.eosTokenIds.includes(id)) {
      this.finish = 'eos';
      return;
    }
    this.tokenIds.push(id);
    if (logprob !== undefined) this.logprobs.push(logprob);
    this.stopAtString();
    if (this.finish === undefined && this.tokenIds.length >= this.limit) this.finish = 'length';
  }

  /** The last token, which the next step reads. */
  get last(): number {
    return (this.tokenIds.at(-1) ?? this.promptIds.at(-1)) as number;
  }

  /** Tokens of prompt and answer. */
  get length(): number {
    return this.promptIds.length + this.tokenIds.length;
  }

  result(): GeneratedRow {
    const { tokenIds, finish = 'length' } = this;
    const logprobs = this.decoding.logprobs === true ? { logprobs: this.logprobs.slice(0, tokenIds.length) } : {};
    return { text: this.text ?? this.tokenizer.decode(tokenIds), tokenIds, finish, ...logprobs };
  }

  private stopAtString(): void {
    const { stop = [] } = this.decoding;
    if (stop.length === 0) return;
    const text = this.tokenizer.decode(this.tokenIds);
    const found = stop.map((part) => text.indexOf(part)).filter((at) => at >= 0);
    if (found.length === 0) return;
    this.text = text.slice(0, Math.min(...found));
    // The ids that gave the text before the stop string: the most of them that do not reach past it.
    while (this.tokenIds.length > 0 && !this.text.startsWith(this.tokenizer.decode(this.tokenIds))) this.tokenIds.pop();
    this.finish = 'stop';
  }
}
