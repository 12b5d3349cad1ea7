import { readRopeConfig } from '../../../../engine/files/rope-config';
import { rotaryFrequencies } from '../../../../engine/model/architecture/rotary-frequencies';
import { goldens } from '../../../golden/golden-values';

describe('rotaryFrequencies', () => {
  it.each(goldens.ropes)('are bit for bit those of transformers for heads of $headDim and $config', ({ headDim, config, frequencies }) => {
    expect(rotaryFrequencies({ headDim, ...readRopeConfig('config.json', config) })).toEqual(frequencies);
  });
});
