import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BadInputError } from '../campaign/errors';
import type { LoraSettings } from '../campaign/language-model';
import { refuseIdleNames } from '../engine/files/adapted-modules';
import { readAdapter } from '../engine/files/adapter';
import { openModelDirectory } from '../engine/files/model-directory';
import { refuseUnwritable } from '../infra/stack/writable-directory';
import { loraFlag } from './lora-settings';

/** Refuses a model directory that the engine could not load, before any work starts. @throws BadInputError */
export function checkModelDirectory(directory: string): void {
  openModelDirectory(existingDirectory('--model', directory));
}

/** Refuses settings whose targets or patterns do not fit the model. @throws BadInputError naming the flag */
export function checkLoraSettings(settings: LoraSettings, modelDirectory: string): void {
  refuseIdleNames(settings, openModelDirectory(modelDirectory).config, loraFlag);
}

/** The shape of a PEFT adapter that fits the model. @throws BadInputError naming what does not fit */
export function adapterDirectory(flag: string, directory: string, modelDirectory: string): LoraSettings {
  const { config, tensors } = openModelDirectory(modelDirectory);
  const { matrices: _, ...settings } = readAdapter(existingDirectory(flag, directory), config, tensors);
  return settings;
}

/** @throws BadInputError if there is no such directory */
export function existingDirectory(flag: string, directory: string): string {
  if (!existsSync(directory)) {
    throw new BadInputError({ where: `${flag} ${directory}`, expected: 'a directory', got: 'no such file' });
  }
  if (!statSync(directory).isDirectory()) {
    throw new BadInputError({ where: `${flag} ${directory}`, expected: 'a directory', got: 'a file' });
  }
  return directory;
}

/** Refuses an output directory that cannot be made or written to; leaves nothing behind. @throws BadInputError */
export function writableDirectory(flag: string, directory: string): void {
  refuseUnwritable(`${flag} ${directory}`, directory);
}

/** Refuses an output file that cannot be written; writes nothing. @throws BadInputError */
export function writableFile(flag: string, file: string): void {
  if (existsSync(file)) {
    if (statSync(file).isDirectory()) {
      throw new BadInputError({ where: `${flag} ${file}`, expected: 'a file', got: 'a directory' });
    }
    requireWritable(flag, file, file);
    return;
  }
  const parent = dirname(resolve(file));
  if (!existsSync(parent)) {
    throw new BadInputError({ where: `${flag} ${file}`, expected: 'a file in a directory that exists', got: 'no such directory' });
  }
  requireWritable(flag, file, parent);
}

function requireWritable(flag: string, wanted: string, existing: string): void {
  try {
    accessSync(existing, constants.W_OK);
  } catch (cause) {
    throw new BadInputError({ where: `${flag} ${wanted}`, expected: 'a place that can be written', got: 'no permission' }, { cause });
  }
  if (existing !== wanted && !statSync(existing).isDirectory()) {
    throw new BadInputError({ where: `${flag} ${wanted}`, expected: 'a path below a directory', got: `the file ${existing}` });
  }
}
