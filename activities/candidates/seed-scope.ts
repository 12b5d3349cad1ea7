import { scopes } from '../../campaign/campaign';
import type { AdaptationScope } from '../activity-types';

/**
 * What seeds are derived under; an epoch that is made anew draws as it drew before. All methods on the held-out contexts share theirs: a method's distance to another is then not
 * blurred by other samples and other initial adapters.
 */
export function seedScope({ scope, split }: Pick<AdaptationScope, 'scope' | 'split'>): string {
  return split === 'train' ? scopes.unversioned(scope) : 'held-out';
}
