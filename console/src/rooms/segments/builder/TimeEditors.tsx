import { ActionIcon, Button, Group, Select, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconClose, IconPlus } from '@/design/icons';
import type { Fixed, Of, Span, Step } from '../types';
import { EventPick, Said, SpanInput } from './inputs';
import { AddFilter, Filters } from './Filters';
import { WindowEditor } from './WindowEditor';
import { useWrong } from './wrong';
import styles from './builder.module.css';

interface EditorProps<Kind extends 'event_time' | 'sequence'> {
  node: Of<Kind>;
  onChange: (node: Of<Kind>) => void;
}

const RECENT: Fixed = { kind: 'last', amount: 30, unit: 'days' };
const GAP: Span = { amount: 3, unit: 'days' };
const MOST_STEPS = 10;

/** "The first Order Completed was in the last 30 days". */
export function EventTimeEditor({ node, onChange }: EditorProps<'event_time'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Select
          aria-label={t('build.which_time')}
          w={160}
          allowDeselect={false}
          data={(['first', 'last'] as const).map((one) => ({ value: one, label: t(`build.time_${one}`) }))}
          value={node.which}
          onChange={(which) => which && onChange({ ...node, which: which as 'first' | 'last' })}
        />
        <EventPick label={t('segments.event')} value={node.name} error={wrong('name')} onChange={(name) => onChange({ ...node, name })} />
        <Said>{t('build.was')}</Said>
        <WindowEditor window={node.window} fixed always onChange={(window) => onChange({ ...node, window: (window as Fixed | null) ?? RECENT })} />
        <AddFilter where={node.where ?? []} onChange={(where) => onChange({ ...node, where })} />
      </Group>
      <Filters event={node.name} where={node.where ?? []} onChange={(where) => onChange({ ...node, where })} />
    </Stack>
  );
}

const GAPS = ['any', 'within', 'after', 'between'] as const;
type Gap = (typeof GAPS)[number];

function gapOf(step: Step): Gap {
  if (step.at_least && step.at_most) return 'between';
  if (step.at_least) return 'after';
  return step.at_most ? 'within' : 'any';
}

function withGap(step: Step, gap: Gap): Step {
  return {
    ...step,
    at_least: gap === 'after' || gap === 'between' ? (step.at_least ?? { amount: 1, unit: 'days' }) : null,
    at_most: gap === 'within' || gap === 'between' ? (step.at_most ?? GAP) : null,
  };
}

/** Whether the event followed or did not, and how long after the step before. */
function Link({ step, place, onChange }: { step: Step; place: number; onChange: (step: Step) => void }) {
  const { t } = useTranslation();
  const wrong = useWrong();
  const gap = gapOf(step);
  return (
    <>
      <Select
        aria-label={t('build.followed')}
        w={140}
        allowDeselect={false}
        data={[{ value: 'then', label: t('condition.then') }, { value: 'not', label: t('condition.not_then') }]}
        value={step.absent ? 'not' : 'then'}
        onChange={(picked) => onChange({ ...step, absent: picked === 'not', ...(picked === 'not' ? { at_least: null } : {}) })}
      />
      <Select
        aria-label={t('build.gap')}
        w={176}
        allowDeselect={false}
        data={GAPS.filter((one) => !step.absent || one === 'any' || one === 'within').map((one) => ({ value: one, label: t(step.absent && one === 'any' ? 'build.gap_never' : `build.gap_${one}`) }))}
        value={gap}
        onChange={(picked) => picked && onChange(withGap(step, picked as Gap))}
      />
      {step.at_least && <SpanInput label={t('build.gap_least')} value={step.at_least} error={wrong(`steps[${place}].at_least`)} onChange={(at_least) => onChange({ ...step, at_least })} />}
      {gap === 'between' && <Said>{t('segments.and')}</Said>}
      {step.at_most && <SpanInput label={t('build.gap_most')} value={step.at_most} error={wrong(`steps[${place}].at_most`)} onChange={(at_most) => onChange({ ...step, at_most })} />}
    </>
  );
}

/** "Product Viewed, then not Order Completed within 3 days": things in order, with gaps and absences. */
export function SequenceEditor({ node, onChange }: EditorProps<'sequence'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  const put = (place: number, step: Step | null) =>
    onChange({ ...node, steps: step ? node.steps.with(place, step) : node.steps.toSpliced(place, 1) });
  return (
    <Stack gap="xs">
      <Stack gap={8} component="ol" m={0} p={0} className={styles.steps}>
        {node.steps.map((step, place) => (
          <Group key={place} component="li" gap="sm" wrap="nowrap" align="flex-start">
            <Text size="xs" fw={650} className={styles.number} aria-hidden>{place + 1}</Text>
            <Stack gap={4} flex={1} miw={0}>
              <Group gap="xs">
                {place > 0 && <Link step={step} place={place} onChange={(next) => put(place, next)} />}
                <EventPick label={t('build.step', { number: place + 1 })} value={step.name} error={wrong(`steps[${place}].name`)} onChange={(name) => put(place, { ...step, name })} />
                <AddFilter where={step.where ?? []} onChange={(where) => put(place, { ...step, where })} />
              </Group>
              <Filters event={step.name} where={step.where ?? []} onChange={(where) => put(place, { ...step, where })} />
            </Stack>
            {place > 0 && node.steps.length > 2 && (
              <ActionIcon variant="subtle" color="gray" aria-label={t('build.remove_step', { number: place + 1 })} onClick={() => put(place, null)}>
                <IconClose size={15} />
              </ActionIcon>
            )}
          </Group>
        ))}
      </Stack>
      <div>
        {node.steps.length < MOST_STEPS && (
          <Button size="compact-xs" variant="subtle" leftSection={<IconPlus size={13} />} onClick={() => onChange({ ...node, steps: [...node.steps, { name: '' }] })}>
            {t('build.add_step')}
          </Button>
        )}
      </div>
      <Group gap="xs">
        <Said>{t('build.all_of_it')}</Said>
        <WindowEditor window={node.window ?? null} fixed onChange={(window) => onChange({ ...node, window: window as Fixed | null })} />
        <Select
          aria-label={t('build.whole')}
          w={210}
          allowDeselect={false}
          data={[{ value: 'any', label: t('build.whole_any') }, { value: 'most', label: t('build.whole_most') }]}
          value={node.at_most ? 'most' : 'any'}
          onChange={(picked) => onChange({ ...node, at_most: picked === 'most' ? { amount: 7, unit: 'days' } : null })}
        />
        {node.at_most && <SpanInput label={t('build.whole_span')} value={node.at_most} error={wrong('at_most')} onChange={(at_most) => onChange({ ...node, at_most })} />}
      </Group>
    </Stack>
  );
}
