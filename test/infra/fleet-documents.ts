/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument -- YAML of others is read for its fields */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { packageRoot } from '../../infra/stack/package-root';

/** Where the files of a fleet lie. */
export const INFRA = join(packageRoot(), 'infra');

/** One document of a YAML file, read for its fields. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Document = any;

export function readYaml(file: string): Document[] {
  return parseAllDocuments(readFileSync(file, 'utf8'), { merge: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]!.message}`);
    return document.toJS();
  });
}

/** What an overlay is made of, components included, before kustomize changes it. @throws where a file that is named is missing */
export function resourcesOf(kustomization: string): Document[] {
  const folder = dirname(kustomization);
  const [{ resources = [], components = [], patches = [] }] = readYaml(kustomization);
  for (const { path } of patches) if (path !== undefined) statSync(join(folder, path));
  return [...resources, ...components].flatMap((name: string) => {
    const path = resolve(folder, name);
    const inner = join(path, 'kustomization.yaml');
    return existsSync(inner) ? resourcesOf(inner) : readYaml(path);
  });
}

export interface Instruction {
  readonly name: string;
  readonly text: string;
  /** Of the build stage it belongs to. */
  readonly stage: string;
}

/** A Dockerfile's instructions, lines joined, comments left out. */
export function readDockerfile(file: string): Instruction[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  let stage = '';
  return lines.map((line) => {
    const [, name = '', text = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === '') throw new Error(`${file}: no instruction: ${line}`);
    if (name === 'FROM') stage = / AS (\S+)$/.exec(text)?.[1] ?? text;
    return { name, text, stage };
  });
}
