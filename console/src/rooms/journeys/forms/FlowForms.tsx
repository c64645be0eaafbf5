import { NumberInput, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { useExperimentOptions, useJourneyOptions } from '../api';
import { listOf, numberOf, textOf, type FormProps } from './form';

/** Which other journey: this one is left out but for a jump, which may begin it again. */
export function OtherJourneyForm({ step, settings, put, journeyId }: FormProps) {
  const { t } = useTranslation();
  const journeys = useJourneyOptions();
  const data = journeys.filter((one) => one.id !== journeyId || step.kind !== 'stop_journey').map((one) => ({ value: String(one.id), label: one.id === journeyId ? t('steps.field.this_journey') : one.name }));
  const id = settings.journey_id;
  return <Select label={t('journeys.journey')} required searchable allowDeselect={false} data={data} value={typeof id === 'number' ? String(id) : null} onChange={(picked) => picked && put({ journey_id: Number(picked) })} />;
}

export function LoopForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <NumberInput label={t('steps.field.times')} w={160} min={1} max={1000} value={numberOf(settings.times, 3)} onChange={(times) => put({ times: Number(times) || 1 })} />
      <Text size="xs" c="dimmed">{t('steps.field.loop_hint')}</Text>
    </Stack>
  );
}

export function GateForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <NumberInput label={t('steps.field.most')} w={200} min={1} max={10_000_000} thousandSeparator=" " value={numberOf(settings.most, 1000)} onChange={(most) => put({ most: Number(most) || 1 })} />
      <DurationInput label={t('steps.field.in_any')} value={numberOf(settings.seconds, 3600)} min={1} onChange={(seconds) => put({ seconds })} />
    </Stack>
  );
}

const FINISHED = 'finished';

export function EndForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return <TextInput label={t('steps.field.reason')} description={t('steps.field.reason_hint')} maxLength={40} placeholder={FINISHED} value={textOf(settings.reason)} onChange={(event) => put({ reason: event.currentTarget.value.toLowerCase().replace(/[^a-z0-9_]/g, '_') || undefined })} />;
}

export function ExperimentForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const experiments = useExperimentOptions();
  const key = textOf(settings.experiment);
  const data = experiments.map((one) => ({ value: one.key, label: one.name }));
  return (
    <Stack gap="sm">
      <Select
        label={t('steps.field.experiment')}
        required
        searchable
        allowDeselect={false}
        nothingFoundMessage={t('steps.field.no_experiments')}
        data={key && !data.some((one) => one.value === key) ? [{ value: key, label: key }, ...data] : data}
        value={key || null}
        onChange={(picked) => {
          const chosen = experiments.find((one) => one.key === picked);
          if (chosen) put({ experiment: chosen.key, arms: chosen.arms.length > 0 ? chosen.arms : listOf<string>(settings.arms) });
        }}
      />
      <TagsInput label={t('steps.field.arms')} description={t('steps.field.arms_hint')} maxTags={20} value={listOf<string>(settings.arms)} onChange={(arms) => put({ arms })} />
    </Stack>
  );
}
