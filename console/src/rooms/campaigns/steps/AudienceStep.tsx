import { Anchor, NumberInput, Radio, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { SegmentPicker, SegmentsPicker } from '../../segments/SegmentPicker';
import { newRecurrence } from './RecurrenceEditor';
import { NEW_TRIGGER } from './TriggerEditor';
import type { StepProps } from './step';
import styles from '../campaigns.module.css';

const KINDS = ['one_off', 'recurring', 'triggered'] as const;

/** Whom: how it is said, and a segment, less those who are in others. */
export function AudienceStep({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  const turn = (kind: (typeof KINDS)[number]) =>
    onChange({
      kind,
      send_at: null,
      local_at: null,
      recurrence: kind === 'recurring' ? (plan.recurrence ?? newRecurrence(zone)) : null,
      trigger: kind === 'triggered' ? (plan.trigger ?? NEW_TRIGGER) : null,
    });
  return (
    <Stack maw={680}>
      <TextInput
        label={t('common.name')}
        description={t('campaigns.name_hint')}
        required
        value={plan.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <Radio.Group label={t('campaigns.kind')} value={plan.kind} onChange={(kind) => turn(kind as (typeof KINDS)[number])}>
        <div className={styles.kinds} style={{ marginTop: 6 }}>
          {KINDS.map((kind) => (
            <Radio.Card key={kind} value={kind} className={styles.kind}>
              <Text size="sm" fw={600}>{t(`campaigns.kind_${kind}`)}</Text>
              <Text size="xs" c="dimmed">{t(`campaigns.kind_${kind}_hint`)}</Text>
            </Radio.Card>
          ))}
        </div>
      </Radio.Group>
      <SegmentPicker
        label={t('campaigns.segment')}
        description={t(plan.kind === 'one_off' ? 'campaigns.segment_hint' : plan.kind === 'recurring' ? 'campaigns.segment_hint_recurring' : 'campaigns.segment_hint_triggered')}
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
      <NumberInput
        label={t('campaigns.holdout')}
        description={t('campaigns.holdout_hint')}
        styles={{ wrapper: { width: 150 } }}
        min={0}
        max={90}
        decimalScale={1}
        suffix=" %"
        value={plan.holdout_percent}
        onChange={(typed) => onChange({ holdout_percent: Number(typed) || 0 })}
      />
      <Textarea
        label={t('common.description')}
        autosize
        minRows={2}
        value={plan.description}
        onChange={(event) => onChange({ description: event.currentTarget.value })}
      />
    </Stack>
  );
}
