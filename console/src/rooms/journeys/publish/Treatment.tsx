import { Alert, Radio, Select, Skeleton, Stack, Switch, Table, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useFormat } from '@/design/format';
import { ProblemAlert } from '@/design/ProblemAlert';
import { pathOf } from '../api';
import type { Definition } from '../model';
import { useStepName } from '../told';

type Queued = 'say' | 'cancel';
export type Treatment = { kind: 'stay' } | { kind: 'leave'; queued?: Queued } | { kind: 'move'; map: Record<string, string | null>; queued?: Queued };
const OUT = '-';

export function usePreview(id: number, treatment: Treatment, revision: number | null) {
  return useQuery({
    queryKey: ['journey-preview', id, treatment, revision],
    queryFn: () => take(api.POST('/v1/journeys/{journey_id}/publish/preview', { ...pathOf(id), body: { treatment } })),
    enabled: revision !== null,
    placeholderData: keepPreviousData,
    refetchInterval: 5000,
  });
}

interface TreatmentFormProps {
  value: Treatment;
  preview: Pick<ReturnType<typeof usePreview>, 'data' | 'error' | 'isLoading'>;
  before: Definition;
  after: Definition;
  suggested: Record<string, string | null>;
  /** An earlier version is live again: who moves goes back the way they came. */
  back?: boolean;
  onChange: (treatment: Treatment) => void;
}

/** What becomes of the people inside: they stay, move by a map, or leave; and how many that is. */
export function TreatmentForm({ value, preview, before, after, suggested, back, onChange }: TreatmentFormProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const oldName = useStepName(before);
  const newName = useStepName(after);
  const kept = useMemo(() => new Set(after.steps.map((step) => step.key)), [after]);
  const found = preview.data;
  const inside = found?.steps.reduce((sum, one) => sum + one.people, 0) ?? 0;
  const gone = [...new Set([...before.steps.map((one) => one.key), ...(found?.steps ?? []).map((one) => one.step)])].filter((key) => !kept.has(key));
  const asked = [...new Set([...gone, ...(found?.steps ?? []).map((one) => one.step)])];
  const people = (key: string) => found?.steps.filter((one) => one.step === key).reduce((sum, one) => sum + one.people, 0) ?? 0;
  const map = value.kind === 'move' ? value.map : {};
  const led = back ? (found?.map ?? {}) : {};
  const shown = (key: string) => (key in map ? (map[key] ?? OUT) : kept.has(key) ? key : key in led ? (led[key] ?? OUT) : null);
  const leaves = value.kind === 'leave' || (value.kind === 'move' && (Object.values(map).includes(null) || Object.values(led).includes(null)));
  const moveMap = () => Object.fromEntries(gone.map((key) => [key, suggested[key] ?? null]));
  return (
    <Stack gap="sm">
      <Radio.Group label={t('journeys.people_inside', { count: inside, shown: format.number(inside) })} value={value.kind} onChange={(kind) => onChange(kind === 'move' ? { kind, map: back ? {} : moveMap() } : { kind: kind as 'stay' | 'leave' })}>
        <Stack gap={8} mt={6}>
          {(['stay', 'move', 'leave'] as const).map((kind) => <Radio key={kind} value={kind} label={t(`journeys.treat.${kind === 'move' && back ? 'back' : kind}`)} description={t(`journeys.treat_hint.${kind === 'move' && back ? 'back' : kind}`)} />)}
        </Stack>
      </Radio.Group>
      <ProblemAlert error={preview.error} />
      {preview.isLoading && <Skeleton height={60} />}
      {value.kind === 'move' && asked.length > 0 && (
        <Table aria-label={t('journeys.step_map')} verticalSpacing={6}>
          <Table.Thead><Table.Tr><Table.Th scope="col">{t('journeys.from_step')}</Table.Th><Table.Th scope="col" ta="right">{t('journeys.people')}</Table.Th><Table.Th scope="col">{t('journeys.to_step')}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {asked.map((key) => (
              <Table.Tr key={key}>
                <Table.Td><Text size="sm">{oldName(key)}</Text></Table.Td>
                <Table.Td ta="right" className="tabular">{format.number(people(key))}</Table.Td>
                <Table.Td>
                  <Select
                    size="xs"
                    aria-label={t('journeys.to_step_of', { step: oldName(key) })}
                    allowDeselect={false}
                    data={[...after.steps.map((one) => ({ value: one.key, label: newName(one.key) })), { value: OUT, label: t('journeys.they_leave') }]}
                    value={shown(key)}
                    onChange={(to) => onChange({ ...value, map: { ...map, [key]: to === OUT ? null : to } })}
                  />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {leaves && <Switch label={t('journeys.call_off')} checked={value.queued === 'cancel'} onChange={(event) => onChange({ ...value, queued: event.currentTarget.checked ? 'cancel' : 'say' })} />}
      {found && inside > 0 && (
        <Alert color={found.lost > 0 ? 'red' : 'gray'} data-testid="preview">
          {[
            found.stays > 0 && t('journeys.preview.stays', { count: found.stays, shown: format.number(found.stays) }),
            found.moves > 0 && t('journeys.preview.moves', { count: found.moves, shown: format.number(found.moves) }),
            found.rewaits > 0 && t('journeys.preview.rewaits', { count: found.rewaits, shown: format.number(found.rewaits) }),
            found.leaves > 0 && t('journeys.preview.leaves', { count: found.leaves, shown: format.number(found.leaves) }),
            found.lost > 0 && t('journeys.preview.lost', { count: found.lost, shown: format.number(found.lost) }),
          ].filter(Boolean).join(' ')}
        </Alert>
      )}
    </Stack>
  );
}
