import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { useSpan } from '@/design/DurationInput';
import { NOTHING, useFormat } from '@/design/format';
import { useMoney } from '@/design/money';
import { Panel } from '@/design/Panel';
import { useChannelTitle } from '../../channels/vocabulary';
import type { Plan } from '../plan';
import { NEW_CHOICE, useArmTitle } from './arms';

/** Before it starts: what each arm says, how many of the audience are in it, and how one is chosen. For who approves as well. */
export function ArmsPlanned({ plan, estimate }: { plan: Plan; estimate: Schema<'Estimate'> | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const money = useMoney();
  const span = useSpan();
  const titleOf = useArmTitle(plan.arms);
  const channelTitle = useChannelTitle();
  const expected = new Map((estimate?.arms ?? []).map((one) => [one.arm, one]));
  const choice = { ...NEW_CHOICE, ...plan.arm_choice };
  const told = choice.percent < 100 && estimate?.first !== null && estimate?.first !== undefined;
  return (
    <Panel title={t('arms.arms')} label={t('arms.arms')}>
      <DataTable
        label={t('arms.arms')}
        rows={plan.arms}
        rowKey={(arm) => arm.key}
        columns={[
          { key: 'arm', head: t('arms.arm'), cell: (arm) => <Text size="sm" fw={550}>{titleOf(arm.key)}</Text> },
          { key: 'subject', head: t('arms.subject'), cell: (arm) => arm.subject ?? t(arm.template_id ? 'arms.other_template' : 'arms.own_subject') },
          { key: 'channel', head: t('channels.channel'), cell: (arm) => channelTitle(arm.channel ?? plan.channel) },
          { key: 'people', head: t('campaigns.audience'), right: true, cell: (arm) => (expected.has(arm.key) ? format.number(expected.get(arm.key)?.people) : NOTHING) },
          { key: 'reached', head: t('arms.reached'), right: true, cell: (arm) => (expected.has(arm.key) ? format.number(expected.get(arm.key)?.reached) : NOTHING) },
          { key: 'cost', head: t('budgets.cost'), right: true, cell: (arm) => money(expected.get(arm.key)?.cost_micros ?? 0) },
        ]}
      />
      <Text size="sm" c="dimmed" mt="xs">
        {told && `${t('arms.first_told', { shown: format.number(estimate.first), total: format.number(estimate.audience) })} `}
        {t(choice.by === 'rule' ? 'arms.planned_rule' : 'arms.planned_person', { metric: t(`arms.by_${choice.metric}`), after: span(choice.after_seconds), minimum: format.number(choice.minimum) })}
        {choice.by === 'rule' && choice.sure && ` ${t('arms.planned_sure')}`}
        {choice.by === 'rule' && choice.percent < 100 && ` ${t(`arms.planned_otherwise_${choice.otherwise}`)}`}
      </Text>
    </Panel>
  );
}
