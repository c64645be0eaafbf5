import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { DataTable } from '@/design/DataTable';
import { useSpan } from '@/design/DurationInput';
import { NOTHING, useFormat } from '@/design/format';
import { Mark } from '@/design/Mark';
import { useMoney } from '@/design/money';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { MetricPanel } from '../../experiments/MetricPanel';
import { useArmTitle } from './arms';

type Numbers = Schema<'ArmNumbers'>;

/** A campaign's arms beside each other: what became of each one's messages, how sure a difference is, and which one is chosen. */
export function ArmsReport({ campaign }: { campaign: Schema<'Campaign'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const money = useMoney();
  const span = useSpan();
  const client = useQueryClient();
  const maySend = useMay('campaigns:send');
  const [dialog, ask] = useConfirm();
  const titleOf = useArmTitle(campaign.arms ?? []);
  const path = { params: { path: { campaign_id: campaign.id } } };
  const live = campaign.state === 'sending' || campaign.state === 'running';
  const asked = useQuery({
    queryKey: ['campaign-arms', campaign.id],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/arms', path)),
    refetchInterval: live ? 3000 : 20_000,
  });
  const adopt = useMutation({
    mutationFn: (arm: string) => take(api.POST('/v1/campaigns/{campaign_id}/arms/adopt', { ...path, body: { arm } })),
    onSuccess: (changed) => {
      client.setQueryData(['campaign', campaign.id], changed);
      void client.invalidateQueries({ queryKey: ['campaign-arms', campaign.id] });
      void client.invalidateQueries({ queryKey: ['report', campaign.id] });
      done(t('arms.adopted', { arm: titleOf(changed.arm_winner?.arm ?? '') }));
    },
  });
  const found = asked.data;
  if (asked.error) return <ProblemAlert error={asked.error} onRetry={() => void asked.refetch()} />;
  if (!found) return <Skeleton height={180} />;
  const winner = campaign.arm_winner;
  const choosable = maySend && !winner && (live || campaign.state === 'paused');
  const choose = async (arm: string) => {
    const yes = await ask({ title: t('arms.adopt_title', { arm: titleOf(arm) }), body: found.rest > 0 ? t('arms.adopt_body', { count: found.rest, shown: format.number(found.rest) }) : t('arms.adopt_body_on'), confirm: t('arms.adopt') });
    if (yes) adopt.mutate(arm);
  };
  const share = (one: Numbers, part: number) => (one.sent > 0 ? `${format.number(part)} (${format.percent(part, one.sent)})` : format.number(part));
  return (
    <Panel title={t('arms.arms')} label={t('arms.arms')} hint={t('arms.report_hint', { after: span(found.within_seconds) })}>
      <Stack>
        <ProblemAlert error={adopt.error} />
        {winner && <Alert color="teal">{t(`arms.won_${winner.why}`, { arm: titleOf(winner.arm), when: format.dateTime(winner.at), who: winner.by ?? '' })}</Alert>}
        {!winner && found.rest > 0 && <Alert color="blue">{t(campaign.arm_choice?.by === 'rule' ? 'arms.rest_rule' : 'arms.rest_person', { count: found.rest, shown: format.number(found.rest) })}{found.due_at && ` ${t('arms.due', { when: format.dateTime(found.due_at) })}`}</Alert>}
        <DataTable
          label={t('arms.arms')}
          rows={found.arms}
          rowKey={(one) => `${one.arm} ${one.chosen}`}
          columns={[
            {
              key: 'arm',
              head: t('arms.arm'),
              cell: (one) => (
                <Group gap={6} wrap="nowrap">
                  <Text size="sm" fw={550}>{titleOf(one.arm)}</Text>
                  {one.chosen && <Mark colour="teal">{t('arms.after_choice')}</Mark>}
                  {!winner && !one.chosen && found.leading === one.arm && <Mark colour="gray">{t('arms.leads')}</Mark>}
                </Group>
              ),
            },
            { key: 'messages', head: t('campaigns.audience'), right: true, cell: (one) => format.number(one.messages) },
            { key: 'sent', head: t('state.sent'), right: true, cell: (one) => format.number(one.sent) },
            { key: 'opened', head: t('state.opened'), right: true, cell: (one) => share(one, one.opened) },
            { key: 'clicked', head: t('state.clicked'), right: true, cell: (one) => share(one, one.clicked) },
            { key: 'unsubscribed', head: t('state.unsubscribed'), right: true, cell: (one) => format.number(one.unsubscribed) },
            { key: 'conversions', head: t('state.conversions'), right: true, cell: (one) => (campaign.goal ? format.number(one.conversions) : NOTHING) },
            { key: 'cost', head: t('budgets.cost'), right: true, cell: (one) => money(one.cost_micros) },
            ...(choosable ? [{ key: 'adopt', head: t('common.actions'), cell: (one: Numbers) => !one.chosen && <Button size="compact-xs" variant="default" loading={adopt.isPending && adopt.variables === one.arm} aria-label={t('arms.adopt_of', { arm: titleOf(one.arm) })} onClick={() => void choose(one.arm)}>{t('arms.adopt')}</Button> }] : []),
          ]}
        />
        {found.results.metrics.filter((metric) => metric.role === 'primary' || metric.others.some((other) => other.verdict === 'better' || other.verdict === 'worse')).map((metric) => (
          <MetricPanel key={metric.metric} metric={{ ...metric, metric: t(`arms.metric_${metric.metric}`) }} titleOf={titleOf} level={found.results.alpha} />
        ))}
        <Text size="xs" c="dimmed">{t('arms.counted')}</Text>
      </Stack>
      {dialog}
    </Panel>
  );
}
