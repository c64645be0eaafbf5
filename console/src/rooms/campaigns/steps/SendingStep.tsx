import { Alert, Anchor, Divider, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { MoneyInput } from '@/design/money';
import { senderOf, useAccounts } from '../../channels/vocabulary';
import type { Plan } from '../plan';
import { GoalEditor } from './GoalEditor';
import { newRecurrence, RecurrenceEditor } from './RecurrenceEditor';
import { NEW_TRIGGER, TriggerEditor } from './TriggerEditor';
import { WhenOnce } from './WhenOnce';
import type { StepProps } from './step';

/** How and when: class, topic, sender, time, what it may cost and what counts as its success. */
export function SendingStep({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const classes = useQuery({ queryKey: ['message-classes'], queryFn: () => take(api.GET('/v1/message-classes')), staleTime: Infinity });
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const accounts = useAccounts(plan.channel);
  const chosen = classes.data?.find((one) => one.name === plan.message_class);
  const label = (one: NonNullable<typeof accounts.data>[number]) => [one.name, senderOf(one)].filter(Boolean).join(' · ');
  return (
    <Stack maw={680}>
      <Select
        label={t('campaigns.class')}
        description={t(`campaigns.class_hint.${plan.message_class}`)}
        allowDeselect={false}
        data={(['marketing', 'service', 'transactional'] as const).map((one) => ({ value: one, label: t(`campaigns.class_name.${one}`) }))}
        value={plan.message_class}
        onChange={(name) => onChange({ message_class: name as Plan['message_class'] })}
      />
      {(chosen?.needs_consent ?? plan.message_class === 'marketing') && (
        <Select
          label={t('consent.topic')}
          description={t('campaigns.topic_hint')}
          required
          data={(topics.data ?? []).map((topic) => ({ value: topic.name, label: topic.title }))}
          value={plan.topic}
          onChange={(topic) => onChange({ topic })}
        />
      )}
      <Select
        label={t('campaigns.sender')}
        description={t('campaigns.sender_hint')}
        placeholder={t('campaigns.any_sender')}
        clearable
        clearButtonProps={{ 'aria-label': t('common.clear') }}
        data={(accounts.data ?? []).filter((one) => one.enabled).map((one) => ({ value: String(one.id), label: label(one) }))}
        value={plan.account_id === null ? null : String(plan.account_id)}
        onChange={(id) => onChange({ account_id: id === null ? null : Number(id) })}
      />
      {accounts.data?.length === 0 && (
        <Alert color="yellow">
          <Text size="sm">{t('campaigns.no_sender')} <Anchor component={Link} to="/channels" size="sm">{t('nav.channels')}</Anchor></Text>
        </Alert>
      )}
      <Divider />
      {plan.kind === 'one_off' && <WhenOnce plan={plan} onChange={onChange} />}
      {plan.kind === 'recurring' && <RecurrenceEditor value={plan.recurrence ?? newRecurrence('UTC')} onChange={(recurrence) => onChange({ recurrence })} />}
      {plan.kind === 'triggered' && <TriggerEditor value={plan.trigger ?? NEW_TRIGGER} onChange={(trigger) => onChange({ trigger })} />}
      <Divider />
      <MoneyInput
        label={t('campaigns.budget')}
        description={t('campaigns.budget_hint')}
        placeholder={t('campaigns.no_budget')}
        w={240}
        value={plan.budget_micros}
        onChange={(budget_micros) => onChange({ budget_micros })}
      />
      <GoalEditor value={plan.goal} onChange={(goal) => onChange({ goal })} />
    </Stack>
  );
}
