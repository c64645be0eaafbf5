import { Grid, SimpleGrid, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useSession } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconAlert, IconBolt, IconCustomers, IconDeliveries } from '@/design/icons';
import { Page } from '@/design/Page';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';
import { Activity } from './Activity';
import { FirstSteps } from './FirstSteps';
import { useLatest } from './history';
import { LatestCampaign } from './LatestCampaign';
import { RunningJobs } from './RunningJobs';

/** What is going on now; every figure moves by itself. */
export default function OverviewPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const session = useSession().data;
  const live = useLatest();
  const first = useQuery({ queryKey: ['overview'], queryFn: () => take(api.GET('/v1/overview')), staleTime: 30_000 });
  const numbers = (live ?? first.data)?.numbers;
  const may = (permission: string) => session?.permissions.includes(permission);
  const shown = (room: string, name: string) => format.number(numbers?.[room]?.[name]);
  const customers = numbers?.profiles?.profiles;
  const campaigns = session?.rooms.includes('campaigns') && may('campaigns:read');
  return (
    <Page title={t('nav.overview')} lead={t('overview.lead')}>
      <Stack>
        <ProblemAlert error={live ? null : first.error} onRetry={() => void first.refetch()} />
        <SimpleGrid cols={{ base: 2, lg: 4 }}>
          {numbers?.profiles && <Stat icon={IconCustomers} label={t('nav.customers')} value={shown('profiles', 'profiles')} to="/customers" />}
          {numbers?.events && (
            <Stat icon={IconBolt} label={t('overview.events_minute')} value={shown('events', 'events_last_minute')} note={t('overview.waiting_events', { shown: shown('events', 'waiting') })} to="/events" />
          )}
          {numbers?.delivery && (
            <Stat
              icon={IconDeliveries}
              label={t('overview.deliveries_waiting')}
              value={shown('delivery', 'deliveries_waiting')}
              note={t('overview.settling', { shown: shown('delivery', 'deliveries_settling') })}
              to="/deliveries"
            />
          )}
          {numbers?.events && (
            <Stat icon={IconAlert} label={t('overview.rejects')} value={shown('events', 'rejects_open')} note={t('overview.rejects_note')} to="/events" search={{ tab: 'rejects' }} />
          )}
        </SimpleGrid>
        {customers === 0 && <FirstSteps />}
        {campaigns && customers !== 0 && <LatestCampaign />}
        <Grid gap="md">
          <Grid.Col span={{ base: 12, lg: 8 }}><Activity /></Grid.Col>
          <Grid.Col span={{ base: 12, lg: 4 }}><RunningJobs /></Grid.Col>
        </Grid>
      </Stack>
    </Page>
  );
}
