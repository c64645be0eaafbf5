import type { Schema } from '@/api/client';

/** A campaign as it is being planned. */
export type Plan = Required<Schema<'CampaignBody'>>;

export const NEW_PLAN: Plan = {
  name: '',
  description: '',
  channel: 'email',
  segment_id: null,
  excluded_segment_ids: [],
  template_id: null,
  account_id: null,
  topic: null,
  message_class: 'marketing',
  track_opens: true,
  track_clicks: true,
  send_at: null,
  kind: 'one_off',
  local_at: null,
  recurrence: null,
  trigger: null,
  purpose: '',
  split: false,
  hops: [],
  usual_path: true,
  holdout_percent: 0,
  budget_micros: null,
  goal: null,
  arms: [],
  arm_choice: null,
};

export function planOf(campaign: Schema<'Campaign'>): Plan {
  const entries = Object.keys(NEW_PLAN).map((key) => [key, campaign[key as keyof Plan]]);
  return Object.fromEntries(entries) as Plan;
}

/** The first step that still lacks something, or null when the plan can be reviewed. */
export function lacking(plan: Plan): number | null {
  if (!plan.name.trim() || (plan.segment_id === null && plan.kind !== 'triggered')) return 0;
  if (plan.template_id === null) return 1;
  if (plan.message_class === 'marketing' && !plan.topic) return 2;
  if (plan.kind === 'triggered' && !plan.trigger?.event.trim()) return 2;
  if (plan.goal && !plan.goal.event.trim()) return 2;
  return null;
}
