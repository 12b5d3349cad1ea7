import { InferenceSession } from 'onnxruntime-node';
import { Graph } from '../../../engine/graph/graph';
import { openSession } from '../../../engine/runtime/session';

test('8-bit products do not overflow on a processor without VNNI: every session asks for 16 bits there', async () => {
  const create = jest.spyOn(InferenceSession, 'create').mockRejectedValue(new Error('not opened'));
  await expect(openSession(new Graph())).rejects.toThrow('not opened');
  expect(create).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ extra: { session: expect.objectContaining({ x64quantprecision: '1' }) as unknown } }));
});
