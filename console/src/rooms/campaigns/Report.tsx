import { Anchor, Box, Group, Progress, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { IconBounce, IconClick, IconCustomers, IconDeliveries, IconMail, IconMailOpened, IconNot, IconShield } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';
import { useReasonTitle } from '../delivery/reasons';
import { ArmsReport } from './arms/ArmsReport';
import { Funnel } from './Funnel';
import { Conversions } from './Conversions';
import { KnownAfter } from './KnownAfter';
import { ReactionCurve } from './ReactionCurve';
import { Sending } from './Sending';
import { Timeline } from './Timeline';

type Campaign = Schema<'Campaign'>;

interface ReasonsProps {
  title: string;
  hint: string;
  counts: Schema<'ReasonCount'>[];
  campaign: number;
}

/** How many share each reason; each line opens its people. */
function Reasons({ title, hint, counts, campaign }: ReasonsProps) {
  const format = useFormat();
  const named = useReasonTitle();
  const most = Math.max(1, ...counts.map((one) => one.people));
  return (
    <Panel title={title} hint={hint}>
      <Stack gap="sm">
        {counts.map((one) => (
          <Box key={one.reason}>
            <Group justify="space-between" mb={4} wrap="nowrap">
              <Anchor component={Link} to="/deliveries" search={{ campaign_id: campaign, reason: one.reason } as never} size="sm">
                {named(one.reason, one.title)}
              </Anchor>
              <Text size="sm" className="tabular">{format.number(one.people)}</Text>
            </Group>
            <Progress value={(100 * one.people) / most} size="xs" color="gray" aria-hidden />
          </Box>
        ))}
      </Stack>
    </Panel>
  );
}

/** What became of the audience. Every number opens the people it counts. */
export function Report({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const format = useFormat();
  const live = campaign.state === 'sending' || campaign.state === 'running';
  const asked = useQuery({
    queryKey: ['report', campaign.id],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/report', { params: { path: { campaign_id: campaign.id } } })),
    refetchInterval: live ? 1500 : 5000,
  });
  const report = asked.data;
  if (asked.error) return <ProblemAlert error={asked.error} onRetry={() => void asked.refetch()} />;
  if (!report) return <Skeleton height={320} />;
  const people = (search: Record<string, string>) => ({ to: '/deliveries', search: { campaign_id: campaign.id, ...search } });
  const share = (what: 'audience' | 'sent' | 'opened', part: number, whole: number) => (whole > 0 ? t(`campaigns.share_${what}`, { share: format.percent(part, whole) }) : undefined);
  return (
    <Stack>
      {(report.undecided + report.waiting > 0 || live) && <Sending campaign={campaign} report={report} />}
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} spacing="md">
        <Stat icon={IconCustomers} label={t('campaigns.audience')} value={format.number(report.audience)} note={t(campaign.kind === 'recurring' || campaign.kind === 'triggered' ? 'campaigns.audience_note_on' : 'campaigns.audience_note')} {...people({})} />
        <Stat icon={IconDeliveries} label={t('state.sent')} value={format.number(report.sent)} note={share('audience', report.sent, report.audience)} {...people({ was: 'sent' })} />
        <Stat icon={IconMail} label={t('state.delivered')} value={format.number(report.delivered)} note={share('sent', report.delivered, report.sent)} {...people({ state: 'delivered' })} />
        <Stat icon={IconBounce} label={t('state.bounced')} value={format.number(report.bounced)} note={share('sent', report.bounced, report.sent)} {...people({ state: 'bounced' })} />
        <Stat icon={IconMailOpened} label={t('state.opened')} value={format.number(report.opened)} note={share('sent', report.opened, report.sent)} {...people({ was: 'opened' })} />
        <Stat icon={IconClick} label={t('state.clicked')} value={format.number(report.clicked)} note={share('opened', report.clicked, report.opened)} {...people({ was: 'clicked' })} />
        <Stat icon={IconNot} label={t('state.unsubscribed')} value={format.number(report.unsubscribed)} note={t('campaigns.complaints', { shown: format.number(report.complained) })} {...people({ was: 'unsubscribed' })} />
        <Stat icon={IconShield} label={t('state.suppressed')} value={format.number(report.suppressed)} note={t('campaigns.failed_note', { failed: format.number(report.failed), unknown: format.number(report.unknown) })} {...people({ state: 'suppressed' })} />
      </SimpleGrid>
      {(campaign.arms ?? []).length > 0 && <ArmsReport campaign={campaign} />}
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Panel title={t('campaigns.funnel')} hint={t('campaigns.funnel_hint')}>
          <Funnel report={report} campaign={campaign.id} />
        </Panel>
        <Panel title={t('campaigns.reaction')} hint={t('campaigns.reaction_hint')}>
          <ReactionCurve reaction={report.reaction} />
        </Panel>
      </SimpleGrid>
      <Timeline campaign={campaign.id} live={live} />
      <KnownAfter campaign={campaign.id} />
      <Conversions campaign={campaign} />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        {report.suppressed_by.length > 0 && (
          <Reasons title={t('campaigns.held_back')} hint={t('campaigns.held_back_hint')} counts={report.suppressed_by} campaign={campaign.id} />
        )}
        {report.failed_by.length > 0 && (
          <Reasons title={t('campaigns.not_sent')} hint={t('campaigns.not_sent_hint')} counts={report.failed_by} campaign={campaign.id} />
        )}
      </SimpleGrid>
    </Stack>
  );
}
