import { Anchor, Alert, Checkbox, Radio, Select, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { SegmentPicker, SegmentsPicker } from '../segments/SegmentPicker';
import { Picture } from './Picture';
import type { Plan } from './plan';

interface StepProps {
  plan: Plan;
  onChange: (part: Partial<Plan>) => void;
}

/** Whom: a segment, less those who are in others. */
export function AudienceStep({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  return (
    <Stack maw={620}>
      <TextInput
        label={t('common.name')}
        description={t('campaigns.name_hint')}
        required
        value={plan.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <Textarea
        label={t('common.description')}
        autosize
        minRows={2}
        value={plan.description}
        onChange={(event) => onChange({ description: event.currentTarget.value })}
      />
      <SegmentPicker
        label={t('campaigns.segment')}
        description={t('campaigns.segment_hint')}
        value={plan.segment_id}
        onChange={(segment_id) => onChange({ segment_id })}
      />
      <Anchor component={Link} to="/segments/new" size="sm">{t('campaigns.make_segment')}</Anchor>
      <SegmentsPicker
        label={t('campaigns.excluded')}
        description={t('campaigns.excluded_hint')}
        value={plan.excluded_segment_ids ?? []}
        onChange={(excluded_segment_ids) => onChange({ excluded_segment_ids })}
      />
    </Stack>
  );
}

/** What: a published template. */
export function MessageStep({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const templates = useQuery({
    queryKey: ['templates', 'options', plan.channel],
    queryFn: () => take(api.GET('/v1/templates', { params: { query: { channel: plan.channel, limit: 500 } } })),
  });
  const options = (templates.data?.items ?? []).map((one) => ({
    value: String(one.id),
    label: one.published_id === null ? `${one.name} (${t('state.draft')})` : one.name,
    disabled: one.published_id === null,
  }));
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
      <Stack>
        <Select
          label={t('campaigns.template')}
          description={t('campaigns.template_hint')}
          placeholder={t('campaigns.pick_template')}
          required
          searchable
          data={options}
          value={plan.template_id === null ? null : String(plan.template_id)}
          onChange={(id) => onChange({ template_id: id === null ? null : Number(id) })}
        />
        <Anchor component={Link} to="/templates/new" size="sm">{t('campaigns.make_template')}</Anchor>
        <Checkbox label={t('campaigns.track_opens')} description={t('campaigns.track_opens_hint')} checked={plan.track_opens} onChange={(event) => onChange({ track_opens: event.currentTarget.checked })} />
        <Checkbox label={t('campaigns.track_clicks')} description={t('campaigns.track_clicks_hint')} checked={plan.track_clicks} onChange={(event) => onChange({ track_clicks: event.currentTarget.checked })} />
      </Stack>
      {plan.template_id !== null && <Picture templateId={plan.template_id} />}
    </SimpleGrid>
  );
}

/** How and when: class, topic, sender and time. */
export function DeliveryStep({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const [later, setLater] = useState(plan.send_at !== null);
  const classes = useQuery({ queryKey: ['message-classes'], queryFn: () => take(api.GET('/v1/message-classes')), staleTime: Infinity });
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const accounts = useQuery({
    queryKey: ['channels', 'accounts', plan.channel],
    queryFn: () => take(api.GET('/v1/channels', { params: { query: { channel: plan.channel } } })),
  });
  const chosen = classes.data?.find((one) => one.name === plan.message_class);
  return (
    <Stack maw={620}>
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
        data={(accounts.data ?? []).filter((one) => one.enabled).map((one) => ({ value: String(one.id), label: `${one.name} · ${String(one.settings.from_email ?? '')}` }))}
        value={plan.account_id === null ? null : String(plan.account_id)}
        onChange={(id) => onChange({ account_id: id === null ? null : Number(id) })}
      />
      {accounts.data?.length === 0 && (
        <Alert color="yellow">
          <Text size="sm">{t('campaigns.no_sender')} <Anchor component={Link} to="/channels" size="sm">{t('nav.channels')}</Anchor></Text>
        </Alert>
      )}
      <Radio.Group
        label={t('campaigns.when')}
        value={later ? 'later' : 'now'}
        onChange={(when) => {
          setLater(when === 'later');
          if (when === 'now') onChange({ send_at: null });
        }}
      >
        <Stack gap="xs" mt={6}>
          <Radio value="now" label={t('campaigns.when_now')} />
          <Radio value="later" label={t('campaigns.when_later')} />
        </Stack>
      </Radio.Group>
      {later && (
        <DateTimePicker
          label={t('campaigns.send_at')}
          description={t('campaigns.send_at_hint', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}
          required
          value={plan.send_at === null ? null : new Date(plan.send_at)}
          onChange={(at) => onChange({ send_at: at ? new Date(at).toISOString() : null })}
          w={280}
        />
      )}
    </Stack>
  );
}
