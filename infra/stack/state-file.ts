import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { privately } from './private-files';

/** Writes a small document at once or not at all, for its owner alone. */
export function writeStateFile(file: string, value: unknown): void {
  privately(() => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.partial`, JSON.stringify(value));
    renameSync(`${file}.partial`, file);
  });
}

/**
 * What was written last; null where nothing was, or where a machine that lost its power has left something else: what it told of has ended
 * with the machine.
 */
export function readStateFile<Value>(file: string, schema: z.ZodType<Value>): Value | null {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}
