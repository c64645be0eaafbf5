import { Group, Loader, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useAddress } from '@/shell/address';
import { useSegmentList } from '../segments/SegmentPicker';
import { useTraitNames } from '../segments/vocabulary';
import { IntervalChart, type Line } from './IntervalChart';

/** The same differences apart: by the values of a trait, or in and out of a segment. */
export function Apart({ id, metrics, titleOf }: { id: number; metrics: string[]; titleOf: (arm: string) => string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [address, change] = useAddress<'trait' | 'segment' | 'metric'>();
  const traits = useTraitNames(['text', 'boolean', 'number', 'date']);
  const segments = useSegmentList();
  const metric = metrics.find((one) => one === address.metric) ?? metrics[0];
  const asked = address.trait !== undefined || address.segment !== undefined;
  const found = useQuery({
    queryKey: ['experiment', id, 'apart', address.trait, address.segment],
    enabled: asked,
    queryFn: () => take(api.GET('/v1/experiments/{experiment_id}/results', { params: { path: { experiment_id: id }, query: { trait: address.trait, segment_id: address.segment === undefined ? undefined : Number(address.segment) } } })),
  });
  const segment = segments.find((one) => String(one.id) === address.segment)?.name ?? '';
  const nameOf = (part: Schema<'ResultPart'>) => {
    if (part.kind === 'none') return t('experiments.part_none');
    if (part.kind === 'rest') return t('experiments.part_rest');
    return address.segment === undefined ? (part.value ?? '') : t(`experiments.part_${part.value === 'in' ? 'in' : 'out'}`, { segment });
  };
  const lines = (found.data?.parts ?? []).flatMap((part): Line[] => {
    const result = part.metrics.find((one) => one.metric === metric);
    return (result?.others ?? []).map((other) => ({ name: t('experiments.part_line', { part: nameOf(part), arm: titleOf(other.arm), people: format.compact(part.people) }), metric: result!, other }));
  });
  return (
    <Panel title={t('experiments.apart')} hint={t('experiments.apart_hint')} label={t('experiments.apart')}>
      <Stack gap="sm">
        <Group gap="sm">
          <Select label={t('experiments.by_trait')} w={220} searchable clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data={traits} value={address.trait ?? null} onChange={(trait) => change({ trait, segment: null })} />
          <Select label={t('experiments.by_segment')} w={220} searchable clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data={segments.map((one) => ({ value: String(one.id), label: one.name }))} value={address.segment ?? null} onChange={(next) => change({ segment: next, trait: null })} />
          {metrics.length > 1 && <Select label={t('experiments.metric')} w={220} allowDeselect={false} data={metrics} value={metric} onChange={(next) => change({ metric: next })} />}
        </Group>
        <ProblemAlert error={found.error} />
        {found.isFetching && !found.data && <Loader size="sm" />}
        {asked && found.data && (lines.length > 0 ? <IntervalChart label={t('experiments.apart')} lines={lines} /> : <Text size="sm" c="dimmed">{t('experiments.apart_empty')}</Text>)}
        {asked && found.data && lines.length > 2 && <Text size="xs" c="dimmed">{t('experiments.apart_note', { count: lines.length })}</Text>}
      </Stack>
    </Panel>
  );
}
