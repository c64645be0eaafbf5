import { Anchor, Button, Progress, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { FindBar } from '@/design/FindBar';
import { useFormat } from '@/design/format';
import { IconCampaigns, IconPlus } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { StatePick } from '@/design/StatePick';
import { Status } from '@/design/Status';
import { useAddress } from '@/shell/address';

type Campaign = Schema<'Campaign'>;
const STATES: Campaign['state'][] = ['draft', 'awaiting_approval', 'approved', 'refused', 'scheduled', 'sending', 'running', 'paused', 'finished', 'cancelled'];

function Audience({ one }: { one: Campaign }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (one.audience === null || one.audience === undefined) {
    return <Text size="sm" c="dimmed">{t(one.state === 'running' || one.started_at ? 'campaigns.nobody_yet' : 'campaigns.not_started')}</Text>;
  }
  const taken = one.taken ?? 0;
  if (one.state !== 'sending' && one.state !== 'paused') return <Text size="sm">{format.number(one.audience)}</Text>;
  return (
    <div>
      <Text size="xs" c="dimmed">{t('common.of_total', { part: format.number(taken), total: format.number(one.audience) })}</Text>
      <Progress
        value={one.audience > 0 ? (100 * taken) / one.audience : 0}
        size="sm"
        animated={one.state === 'sending'}
        aria-label={t('campaigns.progress_of', { name: one.name })}
      />
    </div>
  );
}

/** Every campaign, and how far the running ones are. */
export default function CampaignsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay('campaigns:write');
  const [address, change] = useAddress<'q' | 'state' | 'archived'>();
  const archived = address.archived === '1';
  const narrowed = Boolean(address.q || address.state || archived);
  const list = usePages(
    ['campaigns', address.q, address.state, archived],
    (cursor) =>
      take(
        api.GET('/v1/campaigns', {
          params: {
            query: { text: address.q, state: address.state as Campaign['state'] | undefined, archived, cursor, limit: 50 },
          },
        }),
      ),
    { refetchInterval: 3000 },
  );
  const add = may && <Button component={Link} to="/campaigns/new" leftSection={<IconPlus size={16} />}>{t('campaigns.new')}</Button>;
  return (
    <Page title={t('nav.campaigns')} lead={t('campaigns.lead')} actions={add}>
      <FindBar address={address} change={change} archivedLabel={t('segments.show_archived')}>
        <StatePick states={STATES} value={address.state} onChange={(state) => change({ state })} />
      </FindBar>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('nav.campaigns')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(one) => one.id}
          onOpen={(one) => void navigate({ to: `/campaigns/${one.id}` })}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={
            <EmptyState icon={IconCampaigns} title={t(narrowed ? 'campaigns.none_found' : 'campaigns.empty')} action={!narrowed && add}>
              {t(narrowed ? 'campaigns.none_found_hint' : 'campaigns.empty_hint')}
            </EmptyState>
          }
          columns={[
            {
              key: 'name',
              head: t('common.name'),
              cell: (one) => (
                <div>
                  <Anchor component={Link} to={`/campaigns/${one.id}`} size="sm" fw={550}>{one.name}</Anchor>
                  {one.description && <Text size="xs" c="dimmed" lineClamp={1}>{one.description}</Text>}
                </div>
              ),
            },
            { key: 'kind', head: t('campaigns.kind'), cell: (one) => <Text size="sm" c="dimmed">{t(`campaigns.kind_${one.kind ?? 'one_off'}`)}</Text> },
            { key: 'state', head: t('common.state'), cell: (one) => <Status state={one.state} /> },
            { key: 'audience', head: t('campaigns.audience'), width: 200, cell: (one) => <Audience one={one} /> },
            { key: 'by', head: t('campaigns.by'), cell: (one) => <Text size="sm" c="dimmed">{one.created_by}</Text> },
            {
              key: 'at',
              head: t('common.when'),
              right: true,
              cell: (one) => <Moment at={one.finished_at ?? one.started_at ?? one.send_at ?? one.created_at} />,
            },
          ]}
        />
      </Panel>
    </Page>
  );
}
