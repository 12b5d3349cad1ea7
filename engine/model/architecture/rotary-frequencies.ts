import type { ModelConfig } from '../../files/model-config';
import type { RopeScaling } from '../../files/rope-config';

const f32 = Math.fround;

/**
 * Angle that each pair of a head's dimensions turns by from one position to the next: theta^(-2i/D), scaled as the config says.
 *
 * Rounded to float32 after every operation, in the order that PyTorch takes them, so that far positions turn by the same angle.
 *
 * @returns float32 values [D/2]
 * Source: transformers 5, `modeling_rope_utils.py`; Llama 3.1's rule for low and high frequencies.
 */
export function rotaryFrequencies({ headDim, ropeTheta, ropeScaling }: Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>): number[] {
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = f32(1 / f32(ropeTheta ** f32((2 * i) / headDim)));
    return ropeScaling === null ? frequency : scaled(frequency, ropeScaling);
  });
}

function scaled(frequency: number, scaling: RopeScaling): number {
  const lowered = f32(frequency / f32(scaling.factor));
  if (scaling.type === 'linear') return lowered;
  const { lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength: original } = scaling;
  // PyTorch divides a number by a tensor as the tensor's reciprocal times the number.
  const wavelength = f32(f32(1 / frequency) * f32(2 * Math.PI));
  if (wavelength < original / high) return frequency;
  if (wavelength > original / low) return lowered;
  const blend = f32(f32(f32(f32(1 / wavelength) * original) - f32(low)) / f32(high - low));
  return f32(f32(f32(f32(1 - blend) * frequency) / f32(scaling.factor)) + f32(blend * frequency));
}
