import { z } from 'zod';

/** `$SEAL_HOME/stack.json`: where the embedded servers answer. Written when they are up, removed when they are stopped. */
export const stackFileSchema = z.strictObject({
  temporal: z.strictObject({
    /** host:port of the gRPC frontend. */
    address: z.string().min(1),
    namespace: z.string().min(1),
    /** Web UI; null when started headless or not ours. */
    uiUrl: z.url().nullable(),
    /** Whether `up` started it: what secures a server of the user's own is not used for it. */
    embedded: z.boolean().default(true),
  }),
  s3: z.strictObject({
    endpoint: z.url(),
    bucket: z.string().min(3),
    region: z.string().min(1),
    /** Absolute path of a 0600 file; null: the usual AWS environment and files. */
    credentialsFile: z.string().nullable(),
  }),
});
export type StackFile = z.infer<typeof stackFileSchema>;

/** The file that `credentialsFile` names. */
export const s3CredentialsSchema = z.strictObject({
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
});
export type S3Credentials = z.infer<typeof s3CredentialsSchema>;

/** File names under `$SEAL_HOME`. */
export const stackFiles = {
  stack: 'stack.json',
  credentials: 's3-credentials.json',
  logs: 'logs',
} as const;
