import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { Chart } from '@/design/Chart';
import { DataTable } from '@/design/DataTable';
import { useFormat } from '@/design/format';
import { useMoney } from '@/design/money';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';
import { useAddress } from '@/shell/address';
import { CampaignName } from '../campaigns/CampaignName';
import { useChannelTitle } from '../channels/vocabulary';

const BY = ['channel', 'account', 'campaign', 'class'] as const;
type By = (typeof BY)[number];
type Row = Schema<'CostRow'>;

/** What was spent in the last thirty days: by day as bars, and by what was chosen as lines. */
export function Costs() {
  const { t } = useTranslation();
  const format = useFormat();
  const money = useMoney();
  const title = useChannelTitle();
  const [address, change] = useAddress<'by'>();
  const by: By = BY.find((one) => one === address.by) ?? 'channel';
  const since = useMemo(() => new Date(Date.now() - 29 * 86_400_000).toISOString().slice(0, 10), []);
  const ask = (what: By | 'day') => ({
    queryKey: ['costs', what, since],
    queryFn: () => take(api.GET('/v1/delivery/costs', { params: { query: { by: [what], since } } })),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
  const days = useQuery(ask('day'));
  const lines = useQuery(ask(by));
  const byDay = useMemo(() => {
    const found = new Map((days.data?.rows ?? []).map((row) => [row.day, row]));
    return Array.from({ length: 30 }, (_, place) => {
      const day = new Date(Date.parse(since) + place * 86_400_000).toISOString().slice(0, 10);
      return { day, micros: found.get(day)?.micros ?? 0, messages: found.get(day)?.messages ?? 0 };
    });
  }, [days.data, since]);
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 8, top: 10, bottom: 4, containLabel: true },
      tooltip: { trigger: 'axis', valueFormatter: (value: number) => money(Math.round(value * 1e6)) },
      xAxis: { type: 'category', data: byDay.map((one) => format.date(one.day)), axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value' },
      series: [{ type: 'bar', name: t('budgets.cost'), barMaxWidth: 18, itemStyle: { borderRadius: [4, 4, 0, 0] }, data: byDay.map((one) => one.micros / 1e6) }],
    }),
    [byDay, format, money, t],
  );
  const named = (row: Row) => {
    if (by === 'channel') return title(row.channel ?? '');
    if (by === 'account') return row.account_name ?? t('channels.no_account', { id: row.account_id });
    if (by === 'class') return t(`campaigns.class_name.${row.message_class}`, { defaultValue: row.message_class ?? '' });
    return row.campaign_id === null ? t('budgets.no_campaign') : t('delivery.only_campaign_id', { id: row.campaign_id });
  };
  const total = days.data;
  return (
    <Panel
      title={t('budgets.costs')}
      hint={t('budgets.costs_hint')}
      actions={<SegmentedControl size="xs" aria-label={t('budgets.by')} value={by} onChange={(next) => change({ by: next === 'channel' ? null : next })} data={BY.map((one) => ({ value: one, label: t(`budgets.by_${one}`) }))} />}
    >
      <ProblemAlert error={days.error ?? lines.error} />
      <Stack>
        <Group align="stretch">
          <Stat label={t('budgets.cost')} value={money(total?.micros ?? 0)} />
          <Stat label={t('budgets.messages')} value={format.number(total?.messages ?? 0)} note={t('budgets.parts', { count: total?.parts ?? 0, shown: format.number(total?.parts ?? 0) })} />
        </Group>
        <Chart label={t('budgets.costs')} option={option} height={170} table={{ head: [t('common.when'), t('budgets.cost')], rows: byDay.filter((one) => one.messages > 0).map((one) => [format.date(one.day), money(one.micros)]) }} />
        {(lines.data?.rows.length ?? 0) > 0 && (
          <DataTable
            label={t('budgets.by')}
            rows={lines.data?.rows}
            rowKey={(row) => named(row)}
            columns={[
              { key: 'name', head: t(`budgets.by_${by}`), cell: (row) => (by === 'campaign' && row.campaign_id !== null ? <CampaignName id={row.campaign_id} /> : <Text size="sm" fw={550}>{named(row)}</Text>) },
              { key: 'messages', head: t('budgets.messages'), right: true, cell: (row) => format.number(row.messages) },
              { key: 'parts', head: t('budgets.in_parts'), right: true, cell: (row) => format.number(row.parts) },
              { key: 'cost', head: t('budgets.cost'), right: true, cell: (row) => money(row.micros) },
            ]}
          />
        )}
      </Stack>
    </Panel>
  );
}
