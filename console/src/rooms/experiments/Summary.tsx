import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { NOTHING, useFormat } from '@/design/format';
import { Mark } from '@/design/Mark';
import { Panel } from '@/design/Panel';
import type { Shown } from './draft';

/** What an experiment is, in a few lines: arms, whom it asks, how sure it wants to be, and who won. */
export function Summary({ one, titleOf }: { one: Shown; titleOf: (arm: string) => string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { design } = one;
  const whole = design.arms.reduce((sum, arm) => sum + (arm.weight ?? 1), 0);
  const strata = useQuery({ queryKey: ['experiment', one.id, 'strata'], enabled: one.dealt, queryFn: () => take(api.GET('/v1/experiments/{experiment_id}/strata', { params: { path: { experiment_id: one.id } } })) });
  const percent = design.percent ?? 100;
  const whom = design.layer ? t('experiments.of_layer', { share: format.percent(percent, 100), layer: design.layer }) : format.percent(percent, 100);
  const stratified = design.strata ? (design.strata.by === 'trait' ? design.strata.trait : t('experiments.strata_segments')) + (strata.data ? ` · ${t('experiments.strata_dealt', { count: strata.data.length })}` : '') : t('experiments.strata_none');
  const facts: [string, string][] = [
    [t('experiments.key'), one.key],
    ...(one.kind === 'random' ? ([[t('experiments.whom'), whom], [t('experiments.strata'), stratified]] as [string, string][]) : []),
    [t('experiments.method'), t('experiments.method_level', { method: t(`experiments.method_${design.method ?? 'sequential'}`), level: format.percent(design.alpha ?? 0.05, 1) })],
    [t('experiments.began'), one.started_at ? format.dateTime(one.started_at) : NOTHING],
    [t('experiments.ended'), one.stopped_at ? format.dateTime(one.stopped_at) : NOTHING],
  ];
  return (
    <Panel label={t('experiments.summary')}>
      <Group gap="xs" mb="sm">
        {design.arms.map((arm, place) => (
          <Mark key={arm.key} colour={one.winner === arm.key ? 'teal' : place === 0 ? 'gray' : 'iris'}>
            {`${titleOf(arm.key)} · ${format.percent(arm.weight ?? 1, whole)}${one.winner === arm.key ? ` · ${t('experiments.won')}` : ''}`}
          </Mark>
        ))}
      </Group>
      <Group gap="xl" align="flex-start">
        {facts.map(([name, value]) => (
          <div key={name}>
            <Text size="xs" c="dimmed">{name}</Text>
            <Text size="sm">{value}</Text>
          </div>
        ))}
      </Group>
    </Panel>
  );
}
