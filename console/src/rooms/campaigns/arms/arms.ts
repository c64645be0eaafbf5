import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import type { Plan } from '../plan';

export type Arm = Schema<'CampaignArm'>;
export type Choice = Required<Schema<'ArmChoice'>>;
export const MOST_ARMS = 5;
export const NEW_CHOICE: Choice = { percent: 100, metric: 'clicked', after_seconds: 86_400, by: 'person', minimum: 100, sure: false, otherwise: 'wait' };

/** A way of saying it that differs in nothing yet. */
export function freshArm(taken: string[]): Arm {
  const key = ['a', 'b', 'c', 'd', 'e'].find((letter) => !taken.includes(letter)) ?? `a${taken.length}`;
  return { key, title: '', weight: 1, template_id: null, subject: null, channel: null, account_id: null };
}

/** What to call an arm: its title, or the letter it goes by. */
export function useArmTitle(arms: readonly Arm[]): (key: string) => string {
  const { t } = useTranslation();
  return useCallback((key: string) => arms.find((arm) => arm.key === key)?.title || t('arms.nth', { letter: key.toUpperCase() }), [arms, t]);
}

/** What a campaign may be chosen by: what it follows of its messages. */
export function metricsOf(plan: Pick<Plan, 'track_opens' | 'track_clicks' | 'goal'>): Choice['metric'][] {
  const all: [Choice['metric'], boolean][] = [['opened', plan.track_opens], ['clicked', plan.track_clicks], ['replied', true], ['converted', plan.goal !== null]];
  return all.filter(([, followed]) => followed).map(([metric]) => metric);
}

/** A plan whose choice no longer fits what it is: changed so that it does. */
export function fitting(plan: Plan): Plan {
  const choice = plan.arm_choice;
  if (!choice) return plan;
  const metrics = metricsOf(plan);
  const metric = choice.metric && metrics.includes(choice.metric) ? choice.metric : (metrics[0] ?? 'replied');
  const percent = plan.kind === 'one_off' && plan.local_at === null ? choice.percent : 100;
  return metric === choice.metric && percent === choice.percent ? plan : { ...plan, arm_choice: { ...choice, metric, percent } };
}
