import { worldSpecSchema, type WorldSpec } from '../seal/knowledge/world/world-spec';
import { validated } from './validated-yaml';
import { readYamlFile } from './yaml-file';

/** A world file. @throws BadInputError with the line and field of the first mistake */
export function readWorldFile(file: string): WorldSpec {
  return validated(readYamlFile(file), worldSpecSchema);
}
