import { Button, Group, NumberInput, Select, Stack, Stepper, Text, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { ArmsEditor } from './ArmsEditor';
import { AudienceEditor } from './AudienceEditor';
import { bodyOf, keyFrom, lacking, type Draft, type Shown } from './draft';
import { MetricsEditor } from './MetricsEditor';
import { Planner } from './Planner';

interface WizardProps {
  start: Draft;
  /** The experiment that is being changed, or null for a new one. */
  one: Shown | null;
  onSaved: (saved: Shown) => void;
}

const STEPS = ['what', 'who', 'measures', 'size'] as const;
const LAST = STEPS.length - 1;
const LEVELS = [0.01, 0.05, 0.1];

/** What is tried, on whom, what it is measured by, and how sure one wants to be. What has begun keeps who is where. */
export function Wizard({ start, one, onSaved }: WizardProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const [draft, setDraft] = useState(start);
  const [named, setNamed] = useState(one !== null);
  const [step, setStep] = useState(0);
  const locked = one !== null && one.state !== 'draft';
  const change = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const rename = (name: string) => change(named ? { name } : { name, key: keyFrom(name) });
  const save = useMutation({
    mutationFn: () =>
      one === null
        ? take(api.POST('/v1/experiments', { body: { ...bodyOf(draft), key: draft.key } }))
        : take(api.PATCH('/v1/experiments/{experiment_id}', { params: { path: { experiment_id: one.id } }, body: bodyOf(draft) })),
    onSuccess: (saved) => {
      void client.invalidateQueries({ queryKey: ['experiments'] });
      void client.invalidateQueries({ queryKey: ['experiment', saved.id] });
      done(t('common.saved'));
      onSaved(saved);
    },
  });
  const first = lacking(draft);
  const go = (next: number) => setStep(first !== null && next > first ? first : next);
  return (
    <Panel>
      <Stepper active={step} onStepClick={go} size="sm" mb="lg" iconSize={32}>
        {STEPS.map((name) => <Stepper.Step key={name} label={t(`experiments.step_${name}`)} description={t(`experiments.step_${name}_hint`)} />)}
      </Stepper>
      <ProblemAlert error={save.error} />
      {step === 0 && (
        <Stack gap="sm">
          <Group align="flex-start">
            <TextInput label={t('common.name')} w={340} required maxLength={200} value={draft.name} onChange={(event) => rename(event.currentTarget.value)} />
            <TextInput
              label={t('experiments.key')}
              description={t('experiments.key_hint')}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              w={300}
              required
              disabled={one !== null}
              maxLength={60}
              value={draft.key}
              error={draft.key && !/^[a-z][a-z0-9_-]*$/.test(draft.key) ? t('experiments.key_rule') : undefined}
              onChange={(event) => {
                setNamed(true);
                change({ key: event.currentTarget.value });
              }}
            />
          </Group>
          <Textarea label={t('common.description')} description={t('experiments.description_hint')} maw={655} autosize minRows={2} maxLength={2000} value={draft.description} onChange={(event) => change({ description: event.currentTarget.value })} />
          <ArmsEditor arms={draft.arms} locked={locked} onChange={(arms) => change({ arms })} />
        </Stack>
      )}
      {step === 1 && <AudienceEditor draft={draft} locked={locked} onChange={change} />}
      {step === 2 && <MetricsEditor metrics={draft.metrics} onChange={(metrics) => change({ metrics })} />}
      {step === LAST && (
        <Stack gap="md">
          <Planner arms={draft.arms.length} alpha={draft.alpha} percent={draft.layer === null ? draft.percent : 100} />
          <Group align="flex-start" gap="sm">
            <NumberInput label={t('experiments.planned')} description={t('experiments.planned_hint')} w={250} min={1} value={draft.planned ?? ''} onChange={(typed) => change({ planned: Number(typed) || null })} />
            <Select label={t('experiments.method')} description={t('experiments.method_hint')} w={270} disabled={locked} allowDeselect={false} data={(['sequential', 'fixed'] as const).map((one_) => ({ value: one_, label: t(`experiments.method_${one_}`) }))} value={draft.method} onChange={(method) => change({ method: method as Draft['method'] })} />
            <Select label={t('experiments.alpha')} description={t('experiments.alpha_hint')} w={250} disabled={locked} allowDeselect={false} data={LEVELS.map((level) => ({ value: String(level), label: format.percent(level, 1) }))} value={String(draft.alpha)} onChange={(alpha) => change({ alpha: Number(alpha) })} />
          </Group>
        </Stack>
      )}
      {first !== null && first <= step && <Text size="sm" c="dimmed" ta="right" mt="md">{t(`experiments.lacking_${STEPS[first]}`)}</Text>}
      <Group justify="space-between" mt={first !== null && first <= step ? 'xs' : 'xl'}>
        <Button variant="default" disabled={step === 0} onClick={() => setStep(step - 1)}>{t('common.back')}</Button>
        {step < LAST ? (
          <Button disabled={first !== null && first <= step} onClick={() => go(step + 1)}>{t('common.next')}</Button>
        ) : (
          <Button loading={save.isPending} disabled={first !== null} onClick={() => save.mutate()}>{t(one === null ? 'experiments.create' : 'common.save')}</Button>
        )}
      </Group>
    </Panel>
  );
}
