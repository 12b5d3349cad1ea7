import { DefaultFailureConverter } from '@temporalio/common';

/** Messages and stack traces of failures travel as a payload, so that the codec encrypts them too. Also bundled into workflows: no Node built-ins. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
