import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { Status } from '@/design/Status';

type Campaign = Schema<'Campaign'>;

/** Of a campaign that is said more than once: when it comes next, and each time that it came. */
export function Course({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const format = useFormat();
  const recurring = campaign.kind === 'recurring';
  const path = { path: { campaign_id: campaign.id } };
  const next = useQuery({
    queryKey: ['next-runs', campaign.id, campaign.next_at],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/next-runs', { params: { ...path, query: { count: 3 } } })),
    enabled: recurring && campaign.state === 'running',
  });
  const past = useQuery({
    queryKey: ['occurrences', campaign.id],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/occurrences', { params: { ...path, query: { limit: 20 } } })),
    enabled: recurring,
    refetchInterval: 5000,
  });
  if (campaign.kind === 'triggered') {
    return (
      <Panel>
        <Group gap="xs">
          <Text size="sm" fw={600}>{t('campaigns.answers')}</Text>
          <Text size="sm">{campaign.trigger?.event}</Text>
          <Text size="sm" c="dimmed">· {t(`campaigns.again_${campaign.trigger?.again ?? 'every'}`)}</Text>
        </Group>
      </Panel>
    );
  }
  if (!recurring) return null;
  return (
    <Panel title={t('campaigns.course')} hint={next.data && next.data.runs.length > 0 ? t('campaigns.comes_next', { when: next.data.runs.map((at) => format.dateTime(at)).join(' · ') }) : undefined} flush>
      {(past.data?.items.length ?? 0) > 0 && (
        <DataTable
          label={t('campaigns.course')}
          rows={past.data?.items}
          rowKey={(one) => one.occurrence}
          columns={[
            { key: 'when', head: t('common.when'), cell: (one) => <Text size="sm" fw={550}>{format.dateTime(one.planned_for ?? one.frozen_at)}</Text> },
            { key: 'state', head: t('common.state'), cell: (one) => <Status state={one.over_at ? 'finished' : 'sending'} size="sm" /> },
            { key: 'size', head: t('campaigns.audience'), right: true, cell: (one) => format.number(one.size) },
          ]}
        />
      )}
    </Panel>
  );
}
