import { accountTakeover } from './account-takeover.ts';
import { authCampaign } from './auth-campaign.ts';
import { bounceFlood } from './bounce-flood.ts';
import { forgottenDomain } from './forgotten-domain.ts';
import { rangeCampaign } from './range-campaign.ts';
import { reflector } from './reflector.ts';
import { releaseTogether } from './release-together.ts';
import type { SiteDetector } from './site-detector.ts';
import { emptySessions, harvestCampaign, relayCampaign } from './site-rate.ts';
import { slotShortage } from './slot-shortage.ts';

/** The scenarios that are told by what many sources do, in the order in which each piece of evidence is shown to them. */
export const siteDetectors: readonly SiteDetector[] = [
  rangeCampaign,
  authCampaign,
  harvestCampaign,
  relayCampaign,
  emptySessions,
  bounceFlood,
  reflector,
  forgottenDomain,
  slotShortage,
  releaseTogether,
  accountTakeover,
];
