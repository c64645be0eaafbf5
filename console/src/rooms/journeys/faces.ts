import type { ComponentType } from 'react';
import {
  IconAge, IconBell, IconBolt, IconClock, IconCoins, IconConditions, IconDoor, IconExperiment, IconGauge, IconHear, IconHoldout, IconJump, IconMailOpened, IconPeople, IconPin,
  IconPlay, IconPlug, IconReach, IconRepeat, IconReply, IconSegments, IconShare, IconDeliveries, IconSplit, IconStop, IconTag, IconTarget, IconUntil, IconWebhook,
} from '@/design/icons';
import type { MarkColour } from '@/design/Mark';

type Face = ComponentType<{ size?: number; stroke?: number }>;

const FACES: Record<string, Face> = {
  wait: IconAge, wait_until: IconUntil, wait_time: IconClock, wait_event: IconHear, wait_answer: IconReply,
  condition: IconSplit, first_match: IconConditions, in_segment: IconSegments, engagement: IconMailOpened, channel: IconReach, split: IconShare, experiment: IconExperiment,
  message: IconDeliveries, set_trait: IconTarget, tag: IconTag, subscribe: IconBell, webhook: IconWebhook, raise_event: IconBolt, remember: IconPin,
  start_journey: IconPlay, stop_journey: IconStop, jump: IconJump, loop: IconRepeat, gate: IconGauge, holdout: IconHoldout, end: IconDoor,
  coupon: IconCoins, lead: IconPeople,
};

/** The picture of a kind of step; another's kinds have a plug. */
export function faceOf(kind: string): Face {
  return FACES[kind] ?? IconPlug;
}

/** Groups of the palette, in order; kinds of a group nobody knows stand with the actions. */
export const GROUPS = ['wait', 'branch', 'action', 'flow'] as const;
export type GroupName = (typeof GROUPS)[number];

export const COLOURS: Record<GroupName, MarkColour> = { wait: 'yellow', branch: 'grape', action: 'iris', flow: 'teal' };

export function groupOf(group: string): GroupName {
  return GROUPS.find((one) => one === group) ?? 'action';
}
