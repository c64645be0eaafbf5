import { ActionIcon, Button, Group, Select, Stack, Switch, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { DurationInput } from '@/design/DurationInput';
import { IconPlus, IconTrash } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { Chain } from '../campaigns/steps/Chain';
import { useChannelOptions } from '../campaigns/steps/HopsEditor';
import { usePaths, type PathStep } from './paths';
import styles from './rules.module.css';

const CLASSES = ['one_time_code', 'transactional', 'service', 'marketing'] as const;
type Name = (typeof CLASSES)[number];
type All = Partial<Record<Name, PathStep[]>>;

function Waits({ step, disabled, onChange }: { step: PathStep; disabled: boolean; onChange: (step: PathStep) => void }) {
  const { t } = useTranslation();
  return (['receipt_within', 'answer_within'] as const).map((name) => (
    <Group key={name} gap="sm" mih={30}>
      <Switch size="xs" disabled={disabled} label={t(`campaigns.${name}`)} checked={Boolean(step[name])} onChange={(event) => onChange({ ...step, [name]: event.currentTarget.checked ? 3600 : null })} />
      {step[name] ? <DurationInput hideLabel label={t(`campaigns.${name}`)} value={step[name]} min={10} onChange={(seconds) => onChange({ ...step, [name]: seconds })} /> : null}
    </Group>
  ));
}

function OnePath({ name, steps, disabled, onChange }: { name: Name; steps: PathStep[]; disabled: boolean; onChange: (steps: PathStep[]) => void }) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  const left = options.filter((one) => !steps.some((step) => step.channel === one.value));
  const [first, ...later] = steps;
  return (
    <Stack gap="xs" role="group" aria-label={t(`campaigns.class_name.${name}`)}>
      <Text fw={600}>{t(`campaigns.class_name.${name}`)}</Text>
      {first ? <Chain channel={first.channel} hops={later} /> : <Text size="sm" c="dimmed">{t('rules.path_none')}</Text>}
      {steps.map((step, place) => (
        <Group key={step.channel} align="flex-start" gap="sm" className={styles.step}>
          <Text size="sm" c="dimmed" className="tabular" w={18} pt={5}>{place + 1}</Text>
          <Select
            size="xs"
            w={180}
            disabled={disabled}
            allowDeselect={false}
            aria-label={t('rules.path_step', { place: place + 1 })}
            data={[...options.filter((one) => one.value === step.channel), ...left]}
            value={step.channel}
            onChange={(channel) => channel && onChange(steps.with(place, { ...step, channel }))}
          />
          <Stack gap={6} flex={1} pt={place > 0 ? 2 : 0}>
            {place > 0 && <Waits step={step} disabled={disabled} onChange={(changed) => onChange(steps.with(place, changed))} />}
          </Stack>
          {!disabled && <ActionIcon variant="subtle" color="red" aria-label={t('campaigns.hop_remove')} onClick={() => onChange(steps.toSpliced(place, 1).map((one, at) => (at === 0 ? { channel: one.channel } : one)))}><IconTrash size={15} /></ActionIcon>}
        </Group>
      ))}
      {!disabled && left[0] && steps.length < 6 && (
        <Button size="compact-sm" variant="default" w="fit-content" leftSection={<IconPlus size={14} />} onClick={() => onChange([...steps, { channel: left[0]!.value }])}>{t(first ? 'campaigns.hop_add' : 'rules.path_begin')}</Button>
      )}
    </Stack>
  );
}

/** What a message of a class does where its author says nothing: which channels, one after another. */
export function Paths() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:rules');
  const stored = usePaths();
  const [paths, setPaths] = useState<All>({});
  useEffect(() => {
    if (stored.data) setPaths(stored.data as All);
  }, [stored.data]);
  const save = useMutation({
    mutationFn: () => take(api.PUT('/v1/delivery/paths', { body: { paths: paths as Record<Name, PathStep[]> } })),
    onSuccess: (saved) => {
      client.setQueryData(['delivery-paths'], saved);
      done(t('rules.paths_saved'));
    },
  });
  const dirty = stored.data !== undefined && JSON.stringify(paths) !== JSON.stringify(stored.data);
  return (
    <Panel
      title={t('rules.paths')}
      hint={t('rules.paths_hint')}
      actions={may && <Button size="xs" disabled={!dirty} loading={save.isPending} onClick={() => save.mutate()}>{t('common.save')}</Button>}
    >
      <ProblemAlert error={stored.error ?? save.error} />
      <Stack gap="xl">
        {CLASSES.map((name) => <OnePath key={name} name={name} steps={paths[name] ?? []} disabled={!may} onChange={(steps) => setPaths({ ...paths, [name]: steps })} />)}
      </Stack>
    </Panel>
  );
}
