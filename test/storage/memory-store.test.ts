import { MemoryObjectClient } from '../../storage/memory-store';
import { itKeepsArtifacts } from './artifact-store-contract';

describe('the artifact store in memory', () => {
  const objects = new MemoryObjectClient();
  itKeepsArtifacts(() => objects);
});
