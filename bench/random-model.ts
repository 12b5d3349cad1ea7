import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomically } from '../engine/files/atomic-write';
import { readModelConfig } from '../engine/files/model-config';
import { modelTensorShapes } from '../engine/files/model-directory';
import { writeSafetensors } from '../engine/files/safetensors';
import { seededRandom } from '../seal/algorithm/seeds';

/** A model of random weights: its config.json, and what its tables call it. */
export interface ModelShape {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly vocab_size: number; readonly dtype: 'float32' | 'bfloat16' };
}

const COMMON = { tie_word_embeddings: true, hidden_act: 'silu', bos_token_id: 1, eos_token_id: 2 } as const;

/** 5.5 million parameters (5,475,584), of which 1.05 million are embeddings. */
export const SMALL: ModelShape = {
  name: '5.5M',
  config: {
    ...COMMON,
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: 4096,
    hidden_size: 256,
    intermediate_size: 704,
    num_hidden_layers: 6,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 64,
    max_position_embeddings: 512,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    attention_bias: false,
    mlp_bias: false,
    dtype: 'float32',
  },
};

/** The shape of Qwen2.5-0.5B: 494 million parameters, of which 136 million are embeddings; bf16, as it is distributed. */
export const HALF_BILLION: ModelShape = {
  name: '0.5B',
  config: {
    ...COMMON,
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    vocab_size: 151_936,
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    max_position_embeddings: 32_768,
    rms_norm_eps: 1e-6,
    rope_theta: 1_000_000,
    use_sliding_window: false,
    dtype: 'bfloat16',
  },
};

/** The shape of Qwen2.5-7B: 7.6 billion parameters, 15 GB in bf16. For devices that hold it. */
export const SEVEN_BILLION: ModelShape = {
  name: '7B',
  config: {
    ...HALF_BILLION.config,
    vocab_size: 152_064,
    hidden_size: 3584,
    intermediate_size: 18_944,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    tie_word_embeddings: false,
  },
};

/** Writes the model's directory, with a tokenizer in which the word `w17` is token 17. */
export function writeRandomModel(directory: string, { config }: ModelShape, seed: number): void {
  mkdirSync(directory, { recursive: true });
  writeJsonAtomically(join(directory, 'config.json'), config);
  writeJsonAtomically(join(directory, 'tokenizer.json'), wordTokenizer(config.vocab_size));
  const random = seededRandom(seed);
  const tensors = [...modelTensorShapes(readModelConfig(directory))].map(([name, shape]) => {
    const size = shape.reduce((elements, length) => elements * length, 1);
    return { name, dtype: config.dtype === 'float32' ? ('F32' as const) : ('BF16' as const), shape, data: () => (name.includes('norm') ? ones(size) : noise(size, random)) };
  });
  writeSafetensors(join(directory, 'model.safetensors'), tensors, { format: 'pt' });
}

function ones(size: number): Float32Array {
  return new Float32Array(size).fill(1);
}

/** Numbers drawn one by one; a longer tensor repeats them from a place of its own, since billions take minutes. */
const DRAWN = 2_000_003;

/** Uniform with the standard deviation 0.02 that these models are initialised with. */
function noise(size: number, random: () => number): Float32Array {
  const data = new Float32Array(size);
  const drawn = Math.min(size, DRAWN);
  for (let i = 0; i < drawn; i += 1) data[i] = 0.0693 * (random() - 0.5);
  for (let filled = drawn; filled < size; filled += drawn) data.copyWithin(filled, 0, Math.min(drawn, size - filled));
  return data;
}

/** A text of this many tokens, for the tokenizer of {@link writeRandomModel}. */
export function randomText(length: number, random: () => number, { config }: ModelShape): string {
  return Array.from({ length }, () => `w${3 + Math.floor(random() * (config.vocab_size - 3))}`).join(' ');
}

function wordTokenizer(size: number): object {
  const vocab: Record<string, number> = { '<unk>': 0, '<s>': 1, '</s>': 2 };
  for (let id = 3; id < size; id += 1) vocab[`w${id}`] = id;
  const special = ['<unk>', '<s>', '</s>'].map((content, id) => ({ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false }));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: { type: 'WordPiece', unk_token: '<unk>', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab },
  };
}
