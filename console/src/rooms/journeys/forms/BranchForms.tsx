import { ActionIcon, Button, Checkbox, Group, MultiSelect, NumberInput, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { IconDown, IconPlus, IconTrash, IconUp } from '@/design/icons';
import { useChannelOptions } from '../../campaigns/steps/HopsEditor';
import { SegmentPicker } from '../../segments/SegmentPicker';
import type { Node } from '../../segments/types';
import { freshKey } from '../graph';
import { ConditionField } from './ConditionField';
import { DAY, EVERYBODY, listOf, numberOf, textOf, type FormProps } from './form';
import { WhatCameForm } from './WaitForms';
import { ClassAndTopic } from './MessageRules';
import styles from './forms.module.css';

export function ConditionForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return <ConditionField label={t('steps.field.condition')} value={settings.condition as Node} onChange={(condition) => put({ condition })} />;
}

interface Arm { key: string; title?: string; condition?: Node; share?: number }

/** A list of ways with a name each, put in another order, added to and taken from. */
function Ways({ name, ways, onChange, make, children }: { name: string; ways: Arm[]; onChange: (ways: Arm[]) => void; make: () => Omit<Arm, 'key'>; children: (way: Arm, change: (part: Partial<Arm>) => void) => React.ReactNode }) {
  const { t } = useTranslation();
  const move = (at: number, by: number) => onChange(ways.toSpliced(at, 1).toSpliced(at + by, 0, ways[at] as Arm));
  return (
    <Stack gap="xs">
      {ways.map((way, at) => {
        const change = (part: Partial<Arm>) => onChange(ways.with(at, { ...way, ...part }));
        const label = way.title || way.key;
        return (
          <Stack key={at} gap={6} className={styles.way} role="group" aria-label={label}>
            <Group gap={4} wrap="nowrap" align="flex-end">
              <TextInput size="xs" style={{ flex: 1 }} label={t('steps.field.way')} maxLength={200} placeholder={way.key} value={way.title ?? ''} onChange={(event) => change({ title: event.currentTarget.value })} />
              <ActionIcon variant="subtle" color="gray" disabled={at === 0} aria-label={t('steps.field.earlier', { way: label })} onClick={() => move(at, -1)}><IconUp size={15} /></ActionIcon>
              <ActionIcon variant="subtle" color="gray" disabled={at === ways.length - 1} aria-label={t('steps.field.later', { way: label })} onClick={() => move(at, 1)}><IconDown size={15} /></ActionIcon>
              <ActionIcon variant="subtle" color="red" disabled={ways.length === 1} aria-label={t('steps.field.remove', { way: label })} onClick={() => onChange(ways.toSpliced(at, 1))}><IconTrash size={15} /></ActionIcon>
            </Group>
            {children(way, change)}
          </Stack>
        );
      })}
      <Button size="compact-sm" variant="default" w="fit-content" leftSection={<IconPlus size={14} />} disabled={ways.length >= 50} onClick={() => onChange([...ways, { key: freshKey(name, new Set(ways.map((one) => one.key))), ...make() }])}>
        {t('steps.field.add_way')}
      </Button>
    </Stack>
  );
}

export function FirstMatchForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return (
    <Ways name="way" ways={listOf<Arm>(settings.arms)} onChange={(arms) => put({ arms })} make={() => ({ condition: EVERYBODY as unknown as Node })}>
      {(way, change) => <ConditionField label={t('steps.field.for_whom')} value={way.condition} onChange={(condition) => change({ condition })} />}
    </Ways>
  );
}

export function SplitForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return (
    <Ways name="way" ways={listOf<Arm>(settings.parts)} onChange={(parts) => put({ parts })} make={() => ({ share: 50 })}>
      {(way, change) => <NumberInput size="xs" label={t('steps.field.share')} w={120} min={0} max={1_000_000} value={way.share ?? 0} onChange={(share) => change({ share: Number(share) || 0 })} />}
    </Ways>
  );
}

export function InSegmentForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <SegmentPicker label={t('journeys.segment')} value={typeof settings.segment_id === 'number' ? settings.segment_id : null} onChange={(segment_id) => segment_id !== null && put({ segment_id })} />
      <Checkbox label={t('steps.field.judged_now')} description={t('steps.field.judged_now_hint')} checked={settings.now === true} onChange={(event) => put({ now: event.currentTarget.checked })} />
    </Stack>
  );
}

export function EngagementForm(props: FormProps) {
  return <Stack gap="sm"><WhatCameForm {...props} choices={['sent', 'delivered', 'opened', 'clicked', 'replied', 'failed']} first="opened" /></Stack>;
}

export function ChannelForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  return (
    <Stack gap="sm">
      <MultiSelect label={t('steps.field.channels')} description={t('steps.field.channels_hint')} data={options} value={listOf<string>(settings.channels)} onChange={(channels) => channels.length > 0 && put({ channels })} />
      <Select
        label={t('steps.field.how')}
        allowDeselect={false}
        data={(['preferred', 'last_heard', 'cheapest', 'first'] as const).map((one) => ({ value: one, label: t(`steps.how.${one}`) }))}
        value={textOf(settings.how) || 'preferred'}
        onChange={(how) => put({ how })}
      />
      <ClassAndTopic settings={settings} put={put} />
    </Stack>
  );
}

export function HoldoutForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <NumberInput label={t('steps.field.percent')} w={140} min={0.1} max={99} decimalScale={1} suffix=" %" value={numberOf(settings.percent, 10)} onChange={(percent) => put({ percent: Number(percent) || 1 })} />
      <TextInput label={t('steps.field.holdout_name')} description={t('steps.field.holdout_name_hint')} maxLength={60} value={textOf(settings.name)} onChange={(event) => put({ name: event.currentTarget.value })} />
    </Stack>
  );
}

export function DialogueForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  const within = settings.within_seconds;
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">{t('steps.field.dialogue_hint')}</Text>
      <Select label={t('channels.channel')} placeholder={t('steps.field.any_channel')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data={options} value={textOf(settings.channel) || null} onChange={(channel) => put({ channel: channel ?? '' })} />
      <TagsInput label={t('steps.field.words')} description={t('steps.field.words_hint')} maxTags={100} value={listOf<string>(settings.words)} onChange={(words) => put({ words })} />
      <Checkbox label={t('steps.field.within')} checked={typeof within === 'number'} onChange={(event) => put({ within_seconds: event.currentTarget.checked ? DAY : null })} />
      {typeof within === 'number' && <DurationInput hideLabel label={t('steps.field.within')} value={within} min={60} onChange={(within_seconds) => put({ within_seconds })} />}
      <Checkbox label={t('steps.field.open_conversation')} checked={settings.open === true} onChange={(event) => put({ open: event.currentTarget.checked ? true : null })} />
    </Stack>
  );
}
