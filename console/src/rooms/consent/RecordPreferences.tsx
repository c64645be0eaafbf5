import { Group, NumberInput, Select, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { FormDialog } from '@/design/SaveForm';
import { done } from '@/design/toast';
import { useChannelKinds } from './ConsentTab';
import { FREQUENCIES, LANGUAGES, type Frequency, type Quiet, type Tongue } from './wishes';

const ZONES = Intl.supportedValuesOf('timeZone');
const DAY = 86_400_000;

interface RecordProps {
  id: number;
  current: Schema<'Wish'>[];
  onClose: () => void;
}

/** Writes down how a customer wants to be written to, as they told somebody. Only what is changed is said anew. */
export function RecordPreferences({ id, current, onClose }: RecordProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const kinds = useChannelKinds();
  const known = Object.fromEntries(current.map((wish) => [wish.aspect, wish.value]));
  const quiet = known.quiet_hours as Quiet | undefined;
  const form = useForm({
    initialValues: {
      channel: (known.channel as string | undefined) ?? null,
      frequency: (known.frequency as Frequency | undefined) ?? null,
      language: (known.language as Tongue | undefined) ?? null,
      from: quiet?.from ?? '',
      to: quiet?.to ?? '',
      zone: quiet?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      days: '' as number | '',
      source: '',
      note: '',
    },
  });
  const save = useMutation({
    mutationFn: (said: typeof form.values) => {
      const hours = said.from || said.to ? { from: said.from, to: said.to, zone: said.zone } : null;
      const wishes: Schema<'Wishes'> = {};
      if (said.channel !== (known.channel ?? null)) wishes.channel = said.channel;
      if (said.frequency !== (known.frequency ?? null)) wishes.frequency = said.frequency;
      if (said.language !== (known.language ?? null)) wishes.language = said.language;
      if (JSON.stringify(hours) !== JSON.stringify(quiet ?? null)) wishes.quiet_hours = hours;
      if (said.days !== '') wishes.paused_until = said.days === 0 ? null : new Date(Date.now() + said.days * DAY).toISOString();
      return take(
        api.POST('/v1/profiles/{profile_id}/preferences', {
          params: { path: { profile_id: id } },
          body: { wishes, consents: [], source: said.source, note: said.note, text: '', url: '', address: '' },
        }),
      );
    },
    onSuccess: () => {
      done(t('consent.recorded'));
      void client.invalidateQueries({ queryKey: ['preferences', id] });
      onClose();
    },
  });
  return (
    <FormDialog title={t('consent.record_preferences')} saving={save} onSubmit={form.onSubmit((values) => save.mutate(values))} onClose={onClose}>
      <Select label={t('consent.wish_frequency')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data={FREQUENCIES.map((one) => ({ value: one, label: t(`consent.frequency_${one}`) }))} {...form.getInputProps('frequency')} />
      <Select label={t('consent.wish_channel')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data={(kinds.data ?? []).map((kind) => ({ value: kind.name, label: kind.title }))} {...form.getInputProps('channel')} />
      <Select label={t('consent.wish_language')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} {...form.getInputProps('language')} />
      <Group grow align="flex-end">
        <TextInput type="time" label={t('consent.quiet_from')} {...form.getInputProps('from')} />
        <TextInput type="time" label={t('consent.quiet_to')} {...form.getInputProps('to')} />
      </Group>
      <Select label={t('consent.zone')} searchable data={ZONES} {...form.getInputProps('zone')} />
      <NumberInput label={t('consent.pause_days')} description={t('consent.pause_hint')} min={0} max={366} {...form.getInputProps('days')} />
      <TextInput label={t('consent.source')} description={t('consent.source_hint')} required {...form.getInputProps('source')} />
      <TextInput label={t('consent.proof_note')} {...form.getInputProps('note')} />
    </FormDialog>
  );
}
