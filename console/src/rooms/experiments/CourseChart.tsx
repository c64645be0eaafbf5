import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { Chart } from '@/design/Chart';
import { useFormat } from '@/design/format';
import type { MetricResult } from './draft';
import { useFigures } from './figures';

const COLOURS = ['#5b6cf0', '#16a394', '#e0912f', '#b45bd6', '#d6455d', '#4aa3df', '#7a8f2a', '#c0628f', '#607d8b'];

/** Each arm's difference to the first over time, a line in the band that holds at every look. */
export function CourseChart({ metric, course, titleOf }: { metric: MetricResult; course: Schema<'MetricCourse'>; titleOf: (arm: string) => string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const figures = useFigures();
  const arms = useMemo(() => [...new Set(course.points.map((point) => point.arm))], [course]);
  const option = useMemo(() => {
    const series = arms.flatMap((arm, place) => {
      const colour = COLOURS[place % COLOURS.length];
      const points = course.points.filter((point) => point.arm === arm);
      const known = points.filter((point) => point.low !== null && point.high !== null);
      const band = { type: 'line', stack: `band ${arm}`, stackStrategy: 'all', symbol: 'none', lineStyle: { opacity: 0 }, silent: true, tooltip: { show: false } };
      return [
        { ...band, name: `${arm} low`, data: known.map((point) => [point.at, point.low]) },
        { ...band, name: `${arm} high`, areaStyle: { color: colour, opacity: 0.14 }, data: known.map((point) => [point.at, (point.high ?? 0) - (point.low ?? 0)]) },
        { type: 'line', name: titleOf(arm), symbol: 'circle', symbolSize: 5, showSymbol: points.length < 40, itemStyle: { color: colour }, lineStyle: { color: colour, width: 2 }, data: points.map((point) => [point.at, point.difference]), markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { type: 'solid', color: '#8a8f9c', width: 1 }, data: [{ yAxis: 0 }] } },
      ];
    });
    return {
      animation: false,
      grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, data: arms.map(titleOf) },
      tooltip: {
        trigger: 'item',
        formatter: ({ value }: { value: [string, number] }) => {
          const point = course.points.find((one) => one.at === value[0] && one.difference === value[1]);
          const safe = document.createElement('span');
          safe.textContent = point ? `${format.dateTime(point.at)} · ${titleOf(point.arm)}: ${figures.difference(metric, point.difference)} (${figures.difference(metric, point.low)} … ${figures.difference(metric, point.high)})` : '';
          return safe.innerHTML;
        },
      },
      xAxis: { type: 'time', axisLabel: { hideOverlap: true }, splitLine: { show: false } },
      yAxis: { type: 'value', scale: true, axisLabel: { formatter: (value: number) => figures.difference(metric, value) } },
      series,
    };
  }, [arms, course, titleOf, figures, format, metric]);
  if (course.points.length < 2) return null;
  return (
    <Chart
      label={t('experiments.course_of', { metric: metric.metric })}
      option={option}
      height={230}
      table={{
        head: [t('common.when'), t('experiments.arm'), t('experiments.counted'), t('experiments.difference'), t('experiments.from'), t('experiments.to')],
        rows: course.points.map((point) => [format.dateTime(point.at), titleOf(point.arm), format.number(point.people), figures.difference(metric, point.difference), figures.difference(metric, point.low), figures.difference(metric, point.high)]),
      }}
    />
  );
}
