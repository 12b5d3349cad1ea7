/**
 * What may go wrong with an activity, and what is done about it: the one table that activities classify by, workflows retry by
 * and `docs/durability.md` prints.
 */
export interface FailurePolicy {
  /** Names of the error classes (the `type` of the failure in Temporal's history). */
  readonly types: readonly string[];
  /**
   * `server`: Temporal repeats the attempt by itself, with growing waits and without an event in history, for as long as it takes.
   * `workflow`: the workflow decides, so that each attempt stands in history. `never`: trying again cannot help.
   */
  readonly retriedBy: 'server' | 'workflow' | 'never';
  /** Attempts beyond the first that one activity has for failures of this class; Infinity: no limit. */
  readonly budget: number;
  /** What differs in the next attempt. */
  readonly remedy: 'none' | 'less-memory';
  /** One line, for people. */
  readonly meaning: string;
}

export const FAILURE_CLASSES = {
  'process-died': {
    types: ['ComputeProcessDiedError'],
    retriedBy: 'workflow',
    budget: 5,
    remedy: 'none',
    meaning: 'the compute process ended and nobody reported why: repeated as it was',
  },
  'out-of-memory': {
    types: ['OutOfMemoryError'],
    retriedBy: 'workflow',
    budget: 6,
    remedy: 'less-memory',
    meaning: 'the runtime or the kernel reported it: repeated with half the rows at once, the same rows a step',
  },
  stalled: {
    types: ['ComputeStalledError', 'ComputeTimeoutError'],
    retriedBy: 'workflow',
    budget: 3,
    remedy: 'none',
    meaning: 'no progress for as long as a step may take, or no end within limits.activitySeconds: killed and repeated',
  },
  'artifact-missing': {
    types: ['ArtifactMissingError'],
    retriedBy: 'workflow',
    budget: 5,
    remedy: 'none',
    meaning: 'a manifest names what the store does not have: asked for again, since stores are repaired',
  },
  'artifact-corrupt': {
    types: ['ArtifactCorruptError'],
    retriedBy: 'workflow',
    budget: 2,
    remedy: 'none',
    meaning: 'bytes without the hash that names them: read again, since they may have been damaged on their way',
  },
  endpoint: {
    types: ['EndpointFailedError'],
    retriedBy: 'workflow',
    budget: 6,
    remedy: 'none',
    meaning: 'another model gave no usable answer, after the tries that the campaign file grants a request',
  },
  unreachable: {
    types: ['ServerUnreachableError', 'StoreFailedError', 'DiskFullError'],
    retriedBy: 'server',
    budget: Infinity,
    remedy: 'none',
    meaning: 'the store does not answer, or it or the disk is full or read-only: waited for, and seen in `seal status`',
  },
  refused: {
    types: ['StoreRefusedError'],
    retriedBy: 'server',
    budget: Infinity,
    remedy: 'none',
    meaning: "the store does not accept the worker's credentials, or not for this: waited for, and seen in `seal status`",
  },
  'machine-unable': {
    types: ['MachineUnableError', 'KeyMissingError'],
    retriedBy: 'server',
    budget: Infinity,
    remedy: 'none',
    meaning: 'this machine lacks what the work needs (model files, a key, a device): left to others, waited for, and seen in `seal status`',
  },
  'worker-lost': {
    types: ['TimeoutFailure', 'CancelledFailure', 'WorkerShutdown'],
    retriedBy: 'server',
    budget: Infinity,
    remedy: 'none',
    meaning: 'the worker was killed, preempted or shut down: another goes on, and the attempt does not count',
  },
  'bad-input': {
    types: ['BadInputError'],
    retriedBy: 'never',
    budget: 0,
    remedy: 'none',
    meaning: 'input that can never work as it is',
  },
  'not-finite': {
    types: ['NotFiniteError'],
    retriedBy: 'never',
    budget: 0,
    remedy: 'none',
    meaning: 'a loss, gradient or weight is NaN or infinite; the same again would be',
  },
  bug: {
    types: [],
    retriedBy: 'never',
    budget: 0,
    remedy: 'none',
    meaning: 'anything else: fails at once and says where',
  },
} as const satisfies Record<string, FailurePolicy>;

export type FailureClass = keyof typeof FAILURE_CLASSES;

/** Whether another attempt may help a failed candidate: an input that cannot work and numbers that diverge stay what they are. */
export function canBeRetried(failure: FailureClass | undefined): boolean {
  return failure === undefined || failure === 'bug' || FAILURE_CLASSES[failure].retriedBy !== 'never';
}

/** The class of a failure by its type; what no class names is a bug. */
export function failureClassOf(type: string | null | undefined): FailureClass {
  const classes = Object.entries(FAILURE_CLASSES) as [FailureClass, FailurePolicy][];
  return classes.find(([, { types }]) => type !== null && type !== undefined && types.includes(type))?.[0] ?? 'bug';
}
