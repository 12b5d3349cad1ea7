/** Names of what is evaluated. A domain has baselines of its own beside the common ones. */
export const COMMON_METHODS = ['base', 'self-edits', 'endpoint'] as const;

/** A method of this ending trains for as many optimiser steps as self-edits do. */
export const STEP_MATCHED = '-step-matched';
