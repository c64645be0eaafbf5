import { Group, Stack, Text, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DataTable } from '@/design/DataTable';
import { NOTHING, useFormat } from '@/design/format';
import { Mark, type MarkColour } from '@/design/Mark';
import { Panel } from '@/design/Panel';
import type { Schema } from '@/api/client';
import { CourseChart } from './CourseChart';
import type { Comparison, MetricResult } from './draft';
import { useFigures } from './figures';
import { IntervalChart } from './IntervalChart';

const VERDICTS: Record<Comparison['verdict'], MarkColour> = { better: 'teal', worse: 'red', open: 'gray', early: 'yellow' };
const GUARDS: Record<NonNullable<Comparison['guard']>, MarkColour> = { kept: 'teal', harmed: 'red', open: 'gray' };

/** What can be said of an arm, in a word and, on pointing, a sentence. */
export function Verdict({ metric, other }: { metric: MetricResult; other: Comparison }) {
  const { t } = useTranslation();
  if (metric.role === 'guardrail' && other.guard) {
    return <Tooltip label={t(`experiments.guard_${other.guard}_hint`)} multiline maw={320}><span><Mark colour={GUARDS[other.guard]}>{t(`experiments.guard_${other.guard}`)}</Mark></span></Tooltip>;
  }
  return <Tooltip label={t(`experiments.verdict_${other.verdict}_hint`)} multiline maw={320}><span><Mark colour={VERDICTS[other.verdict]}>{t(`experiments.verdict_${other.verdict}`)}</Mark></span></Tooltip>;
}

interface MetricPanelProps {
  metric: MetricResult;
  titleOf: (arm: string) => string;
  level: number;
  course?: Schema<'MetricCourse'>;
}

/** One measure: every arm's value, how it stands beside the first, how sure that is, and how it went. */
export function MetricPanel({ metric, titleOf, level, course }: MetricPanelProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const figures = useFigures();
  const others = new Map(metric.others.map((one) => [one.arm, one]));
  const pair = (low: string, high: string) => t('experiments.between', { low, high });
  const narrowed = metric.others.find((one) => one.narrowed !== null && one.narrowed !== undefined && one.narrowed > 0)?.narrowed;
  const waiting = metric.arms.reduce((sum, arm) => sum + arm.waiting, 0);
  return (
    <Panel
      label={metric.metric}
      title={metric.metric}
      hint={t('experiments.metric_hint', { kind: t(`experiments.kind_${metric.kind}`), role: t(`experiments.role_${metric.role}`), level: format.percent(1 - level, 1) })}
    >
      <Stack gap="sm">
        <IntervalChart label={t('experiments.chart', { metric: metric.metric })} lines={metric.others.map((other) => ({ name: titleOf(other.arm), metric, other }))} />
        <DataTable
          label={metric.metric}
          rows={metric.arms}
          rowKey={(arm) => arm.arm}
          columns={[
            { key: 'arm', head: t('experiments.arm'), cell: (arm) => <Text size="sm" fw={550}>{titleOf(arm.arm)}</Text> },
            { key: 'people', head: t('experiments.counted'), right: true, cell: (arm) => format.number(arm.people) },
            {
              key: 'value',
              head: t('experiments.value'),
              right: true,
              cell: (arm) => (
                <div>
                  <Text size="sm">{figures.value(metric, arm.value)}</Text>
                  <Text size="xs" c="dimmed">{arm.value === null ? '' : pair(figures.value(metric, arm.low), figures.value(metric, arm.high))}</Text>
                </div>
              ),
            },
            {
              key: 'difference',
              head: t('experiments.difference'),
              right: true,
              cell: (arm) => {
                const other = others.get(arm.arm);
                if (!other) return NOTHING;
                return (
                  <div>
                    <Text size="sm">{figures.difference(metric, other.difference)}{other.relative !== null && ` (${figures.share(other.relative)})`}</Text>
                    <Text size="xs" c="dimmed">{other.low === null ? '' : pair(figures.difference(metric, other.low), figures.difference(metric, other.high))}</Text>
                  </div>
                );
              },
            },
            { key: 'p', head: t('experiments.p'), right: true, cell: (arm) => figures.chance(others.get(arm.arm)?.p) },
            { key: 'verdict', head: t('experiments.verdict'), cell: (arm) => { const other = others.get(arm.arm); return other ? <Verdict metric={metric} other={other} /> : <Text size="sm" c="dimmed">{arm === metric.arms[0] ? t('experiments.first') : NOTHING}</Text>; } },
          ]}
        />
        {course && course.points.length > 1 && (
          <div>
            <Text size="sm" fw={550}>{t('experiments.course')}</Text>
            <Text size="xs" c="dimmed">{t('experiments.course_hint')}</Text>
            <CourseChart metric={metric} course={course} titleOf={titleOf} />
          </div>
        )}
        <Group gap="md">
          {waiting > 0 && <Text size="xs" c="dimmed">{t('experiments.waiting', { count: waiting, shown: format.number(waiting) })}</Text>}
          {narrowed !== null && narrowed !== undefined && <Text size="xs" c="dimmed">{t('experiments.narrowed', { part: figures.share(narrowed, false) })}</Text>}
          {metric.others.filter((one) => one.strata).map((one) => (
            <Text key={one.arm} size="xs" c="dimmed">{metric.others.length > 1 && `${titleOf(one.arm)}: `}{t('experiments.stratified', { count: one.strata ?? 0, plain: figures.difference(metric, one.plain) })}</Text>
          ))}
        </Group>
      </Stack>
    </Panel>
  );
}
