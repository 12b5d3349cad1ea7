import { z } from 'zod';

/** A content-addressed object: `sha256/<sha256>` in the store. */
export const artifactRefSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.number().int().nonnegative(),
  mediaType: z.string(),
});
export type ArtifactRef = z.infer<typeof artifactRefSchema>;

/** A small JSON document under `campaigns/<id>/...` that names artifacts. Holds nothing that differs between attempts, but for records of work, which no other manifest names. */
export const manifestSchema = z.strictObject({
  kind: z.string(),
  files: z.record(z.string(), artifactRefSchema),
  lineage: z.strictObject({
    /** What this was made from: name -> sha256. */
    inputs: z.record(z.string(), z.string()),
    seed: z.number().int().optional(),
    codeVersion: z.string(),
    /** Settings that shaped the bytes, instruction set and thread count included. */
    settings: z.record(z.string(), z.unknown()),
  }),
  /** Small results worth reading without opening a file. */
  summary: z.record(z.string(), z.unknown()).optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

export interface PublishedManifest {
  readonly manifest: Manifest;
  /** True when another attempt had already published under this key: its manifest is the one returned. */
  readonly adopted: boolean;
}
