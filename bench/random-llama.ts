import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomically } from '../engine/files/atomic-write';
import { readModelConfig } from '../engine/files/model-config';
import { modelTensorShapes } from '../engine/files/model-directory';
import { writeSafetensors } from '../engine/files/safetensors';
import { seededRandom } from '../seal/seeds';

/** The shape that is measured: 5.5 million parameters (5,475,584), of which 1.05 million are embeddings. */
export const RANDOM_LLAMA = {
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
  tie_word_embeddings: true,
  hidden_act: 'silu',
  attention_bias: false,
  mlp_bias: false,
  bos_token_id: 1,
  eos_token_id: 2,
  dtype: 'float32',
} as const;

/** Writes a Llama directory with random fp32 weights and a tokenizer in which the word `w17` is token 17. */
export function writeRandomLlama(directory: string, seed: number): void {
  mkdirSync(directory, { recursive: true });
  writeJsonAtomically(join(directory, 'config.json'), RANDOM_LLAMA);
  writeJsonAtomically(join(directory, 'tokenizer.json'), wordTokenizer(RANDOM_LLAMA.vocab_size));
  const random = seededRandom(seed);
  const tensors = [...modelTensorShapes(readModelConfig(directory))].map(([name, shape]) => {
    const size = shape.reduce((elements, length) => elements * length, 1);
    // Uniform with the standard deviation 0.02 that Llama is initialised with; norms are 1.
    const data = name.includes('norm') ? new Float32Array(size).fill(1) : Float32Array.from({ length: size }, () => 0.0693 * (random() - 0.5));
    return { name, dtype: 'F32' as const, shape, data };
  });
  writeSafetensors(join(directory, 'model.safetensors'), tensors, { format: 'pt' });
}

/** A text of this many tokens, for the tokenizer of {@link writeRandomLlama}. */
export function randomText(length: number, random: () => number): string {
  return Array.from({ length }, () => `w${3 + Math.floor(random() * (RANDOM_LLAMA.vocab_size - 3))}`).join(' ');
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
