import { Anchor, Box, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { DataTable } from '@/design/DataTable';
import { useFormat } from '@/design/format';
import { Mark } from '@/design/Mark';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { Stat } from '@/design/Stat';
import styles from './campaigns.module.css';

/** How much more those who were written to did it than those held out: the difference, and between which bounds it surely lies. */
function LiftBar({ lift }: { lift: Schema<'Lift'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const most = Math.max(lift.told_share, lift.held_out_share, 0.0001);
  const bar = (name: string, share: number, part: number, whole: number) => (
    <Box>
      <Group justify="space-between" mb={3}>
        <Text size="sm">{name}</Text>
        <Text size="sm" className="tabular">{format.percent(share, 1)} <Text span c="dimmed" size="xs">{t('common.of_total', { part: format.number(part), total: format.number(whole) })}</Text></Text>
      </Group>
      <div className={styles.lift}><span style={{ width: `${(100 * share) / most}%` }} /></div>
    </Box>
  );
  const sure = lift.low > 0 || lift.high < 0;
  return (
    <Stack gap="sm">
      <Text size="sm" fw={600}>{t('campaigns.lift')}</Text>
      {bar(t('campaigns.told'), lift.told_share, lift.told_converted, lift.told)}
      {bar(t('campaigns.held_out'), lift.held_out_share, lift.held_out_converted, lift.held_out)}
      <Text size="sm">{t(sure ? 'campaigns.lift_sure' : 'campaigns.lift_unsure', { difference: format.percent(lift.difference, 1), low: format.percent(lift.low, 1), high: format.percent(lift.high, 1), people: format.number(Math.round(lift.people)) })}</Text>
    </Stack>
  );
}

/** What the campaign brought: by code, by click, after its message, and against those held out. */
export function Conversions({ campaign }: { campaign: Schema<'Campaign'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [how, setHow] = useState<Schema<'Converted'>['how'] | null>(null);
  const path = { path: { campaign_id: campaign.id } };
  const found = useQuery({
    queryKey: ['conversions', campaign.id],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/conversions', { params: path })),
    enabled: Boolean(campaign.goal),
    refetchInterval: 5000,
  });
  const people = usePages(
    ['conversions', campaign.id, 'people', how],
    (cursor) => take(api.GET('/v1/campaigns/{campaign_id}/conversions/people', { params: { ...path, query: { how: how ?? undefined, cursor, limit: 20 } } })),
    { enabled: Boolean(campaign.goal) && how !== null },
  );
  if (!campaign.goal || !found.data) return null;
  const { by_how, lift } = found.data;
  return (
    <Panel title={t('campaigns.conversions')} hint={t('campaigns.conversions_hint', { event: campaign.goal.event })}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="md">
          <Stat label={t('state.conversions')} value={format.number(found.data.conversions)} note={t('campaigns.by_people', { count: found.data.people, shown: format.number(found.data.people) })} />
          <Stat label={t('campaigns.worth')} value={format.number(found.data.value)} />
          <Stack gap={6} justify="center">
            {by_how.map((one) => (
              <Group key={one.how} justify="space-between">
                <Anchor component="button" size="sm" aria-expanded={how === one.how} onClick={() => setHow(how === one.how ? null : one.how)}>{t(`campaigns.how_${one.how}`)}</Anchor>
                <Text size="sm" className="tabular">{format.number(one.conversions)}</Text>
              </Group>
            ))}
          </Stack>
        </SimpleGrid>
        {how !== null && (
          <DataTable
            label={t(`campaigns.how_${how}`)}
            rows={people.rows}
            loading={people.loading}
            rowKey={(one) => `${one.lane}-${one.seq}`}
            more={people.more}
            loadingMore={people.loadingMore}
            columns={[
              { key: 'who', head: t('common.customer'), cell: (one) => <Anchor component={Link} to={`/customers/${one.profile_id}`} size="sm">{one.customer ?? t('profiles.unnamed', { id: one.profile_id })}</Anchor> },
              { key: 'how', head: t('campaigns.how'), cell: (one) => <Mark colour="gray" size="sm">{t(`campaigns.how_${one.how}`)}</Mark> },
              { key: 'value', head: t('campaigns.worth'), right: true, cell: (one) => (one.value === null ? '' : format.number(Number(one.value))) },
              { key: 'at', head: t('common.when'), right: true, cell: (one) => <Moment at={one.ts} /> },
            ]}
          />
        )}
        {lift && <LiftBar lift={lift} />}
      </Stack>
    </Panel>
  );
}
