import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from '@temporalio/common';
import type { CampaignState, CandidateStatus } from '../../campaign/campaign';

/** Typed keys of `SEARCH_ATTRIBUTES`. */
export const searchKeys = {
  campaign: defineSearchAttributeKey('SealCampaign', SearchAttributeType.KEYWORD),
  epoch: defineSearchAttributeKey('SealEpoch', SearchAttributeType.INT),
  context: defineSearchAttributeKey('SealContext', SearchAttributeType.KEYWORD),
  status: defineSearchAttributeKey('SealStatus', SearchAttributeType.KEYWORD),
  reward: defineSearchAttributeKey('SealReward', SearchAttributeType.DOUBLE),
} as const;

export function campaignAttributes(campaignId: string): SearchAttributePair[] {
  return [
    { key: searchKeys.campaign, value: campaignId },
    { key: searchKeys.status, value: 'running' },
  ];
}

export function epochAttributes(campaignId: string, epoch: number): SearchAttributePair[] {
  return [...campaignAttributes(campaignId), { key: searchKeys.epoch, value: epoch }];
}

export function candidateAttributes(campaignId: string, epoch: number, contextId: string): SearchAttributePair[] {
  return [...epochAttributes(campaignId, epoch), { key: searchKeys.context, value: contextId }];
}

export function statusAttribute(status: CampaignState | CandidateStatus): SearchAttributePair {
  return { key: searchKeys.status, value: status };
}

export function rewardAttribute(reward: number): SearchAttributePair {
  return { key: searchKeys.reward, value: reward };
}
