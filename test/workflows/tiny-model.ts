import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelTensorShapes } from '../../engine/files/model-directory';
import { readModelConfig } from '../../engine/files/model-config';
import { writeSafetensors } from '../../engine/files/safetensors-writer';
import { tokenizerFiles, vocabularySize } from '../../seal/domains/knowledge/world/vocabulary';
import { seededRandom } from '../../seal/algorithm/seeds';

/** Writes a random Llama of some 60,000 parameters with the nano model's tokenizer. */
export function writeTinyModel(directory: string, seed: number, contextLength = 512): void {
  mkdirSync(directory, { recursive: true });
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabularySize(),
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    max_position_embeddings: contextLength,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: 1,
    hidden_act: 'silu',
    torch_dtype: 'float32',
  };
  writeFileSync(join(directory, 'config.json'), `${JSON.stringify(config, null, 1)}\n`);
  for (const [name, text] of Object.entries(tokenizerFiles())) writeFileSync(join(directory, name), text);
  const random = seededRandom(seed);
  const shapes = modelTensorShapes(readModelConfig(directory));
  const tensors = [...shapes].map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    // Norms are 1; matrices uniform, wide enough for answers to differ.
    const data = Float32Array.from({ length: size }, () => (shape.length === 1 ? 1 : (random() - 0.5) * 0.6));
    return { name, dtype: 'F32' as const, shape, data };
  });
  writeSafetensors(join(directory, 'model.safetensors'), tensors, { format: 'pt' });
}
