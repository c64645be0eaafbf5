import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { Chart } from '@/design/Chart';
import { useFormat } from '@/design/format';
import { useMoney } from '@/design/money';
import { useChannelTitle } from '../../channels/vocabulary';

interface DaysProps {
  days: Schema<'RehearsedDay'>[];
  since: string;
  until: string;
}

/** How many messages go out each day, by channel, one on another. */
export function Days({ days, since, until }: DaysProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const money = useMoney();
  const title = useChannelTitle();
  const channels = useMemo(() => [...new Set(days.map((one) => one.channel))].sort(), [days]);
  const dates = useMemo(() => {
    const all: string[] = [];
    for (let at = Date.parse(since.slice(0, 10)); at <= Date.parse(until) && all.length < 800; at += 86_400_000) all.push(new Date(at).toISOString().slice(0, 10));
    return all;
  }, [since, until]);
  const of = (date: string, channel: string) => days.find((one) => one.day === date && one.channel === channel);
  const option = {
    grid: { left: 8, right: 8, top: 34, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0 },
    tooltip: { trigger: 'axis' },
    xAxis: { type: 'category', data: dates.map((date) => format.date(date)) },
    yAxis: { type: 'value', minInterval: 1 },
    series: channels.map((channel) => ({ name: title(channel), type: 'bar', stack: 'all', barMaxWidth: 22, data: dates.map((date) => of(date, channel)?.messages ?? 0) })),
  };
  const cost = (date: string) => money(days.filter((one) => one.day === date).reduce((sum, one) => sum + one.cost_micros, 0));
  return (
    <Chart
      label={t('rehearsal.messages_days')}
      option={option}
      height={230}
      table={{ head: [t('rehearsal.day'), ...channels.map(title), t('rehearsal.cost')], rows: dates.map((date) => [format.date(date), ...channels.map((channel) => of(date, channel)?.messages ?? 0), cost(date)]) }}
    />
  );
}
