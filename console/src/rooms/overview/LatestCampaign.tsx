import { Anchor, Button, Grid, Group, Progress, SimpleGrid, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { Chart } from '@/design/Chart';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconBounce, IconCampaigns, IconClick, IconDeliveries, IconMailOpened } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { Stat } from '@/design/Stat';
import { Status } from '@/design/Status';
import { Funnel } from '../campaigns/Funnel';
import { history, useHistory } from './history';

const LINES = ['sent', 'opened', 'clicked'] as const;

function Lines({ campaign }: { campaign: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const points = useHistory(`campaign:${campaign}`);
  const option = useMemo(
    () => ({
      animation: false,
      grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'time', min: points[0]?.at, splitNumber: 4, axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value', minInterval: 1, splitNumber: 4 },
      series: LINES.map((name) => ({
        type: 'line',
        name: t(`state.${name}`),
        showSymbol: points.length === 1,
        lineStyle: { width: 2.2 },
        areaStyle: { opacity: 0.08 },
        data: points.map((point) => [point.at, point.values[name] ?? 0]),
      })),
    }),
    [points, t],
  );
  return (
    <Chart
      label={t('overview.over_time')}
      option={option}
      height={230}
      table={{
        head: [t('common.when'), ...LINES.map((name) => t(`state.${name}`))],
        rows: points.slice(-5).map((point) => [format.time(new Date(point.at).toISOString()), ...LINES.map((name) => point.values[name] ?? 0)]),
      }}
    />
  );
}

/** The campaign that started last: how far it is, what it brought so far, and its funnel. */
export function LatestCampaign() {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay('campaigns:write');
  const list = useQuery({
    queryKey: ['campaigns', 'latest'],
    queryFn: () => take(api.GET('/v1/campaigns', { params: { query: { limit: 20 } } })),
    refetchInterval: 3000,
  });
  const campaign = list.data?.items
    .filter((one) => one.started_at !== null)
    .sort((one, other) => (other.started_at ?? '').localeCompare(one.started_at ?? ''))[0];
  const id = campaign?.id;
  const report = useQuery({
    queryKey: ['report', id],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/report', { params: { path: { campaign_id: id ?? 0 } } })),
    enabled: id !== undefined,
    refetchInterval: 1500,
  });
  const found = report.data;
  useEffect(() => {
    if (found && id !== undefined) history.add(`campaign:${id}`, { sent: found.sent, opened: found.opened, clicked: found.clicked });
  }, [found, id, report.dataUpdatedAt]);
  if (list.data && !campaign) {
    return (
      <Panel>
        <EmptyState
          icon={IconCampaigns}
          title={t('overview.no_campaign')}
          action={may && <Button component={Link} to="/campaigns/new">{t('campaigns.new')}</Button>}
        >
          {t('overview.no_campaign_hint')}
        </EmptyState>
      </Panel>
    );
  }
  if (!campaign || !found) return null;
  const settled = found.audience - found.undecided - found.waiting;
  const people = (was: string) => ({ to: '/deliveries', search: { campaign_id: campaign.id, was } });
  return (
    <Panel
      title={
        <Group gap="sm">
          <Anchor component={Link} to={`/campaigns/${campaign.id}`} fw={620} fz="md" c="var(--text-strong)">{campaign.name}</Anchor>
          <Status state={campaign.state} />
        </Group>
      }
      actions={<Text size="sm" c="dimmed" className="tabular">{t('common.of_total', { part: format.number(settled), total: format.number(found.audience) })}</Text>}
      label={campaign.name}
    >
      <Progress
        value={found.audience > 0 ? (100 * settled) / found.audience : 0}
        size="sm"
        radius="xl"
        animated={campaign.state === 'sending'}
        aria-label={t('campaigns.progress_of', { name: campaign.name })}
        mb="md"
      />
      <SimpleGrid cols={{ base: 2, lg: 4 }} mb="lg">
        <Stat icon={IconDeliveries} label={t('state.sent')} value={format.number(found.sent)} note={t('campaigns.share_audience', { share: format.percent(found.sent, found.audience) })} {...people('sent')} />
        <Stat icon={IconMailOpened} label={t('state.opened')} value={format.number(found.opened)} note={t('campaigns.share_sent', { share: format.percent(found.opened, found.sent) })} {...people('opened')} />
        <Stat icon={IconClick} label={t('state.clicked')} value={format.number(found.clicked)} note={t('campaigns.share_opened', { share: format.percent(found.clicked, found.opened) })} {...people('clicked')} />
        <Stat icon={IconBounce} label={t('state.bounced')} value={format.number(found.bounced)} note={t('campaigns.share_sent', { share: format.percent(found.bounced, found.sent) })} {...people('bounced')} />
      </SimpleGrid>
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Text size="sm" fw={600} mb="xs">{t('overview.over_time')}</Text>
          <Lines campaign={campaign.id} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Text size="sm" fw={600} mb="xs">{t('campaigns.funnel')}</Text>
          <Funnel report={found} campaign={campaign.id} />
        </Grid.Col>
      </Grid>
    </Panel>
  );
}
