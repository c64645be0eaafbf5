import { Anchor, Button, Group, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { FindBar } from '@/design/FindBar';
import { IconPlus, IconTemplates } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { useAddress } from '@/shell/address';

/** What can be said: every template, and whether it has a draft or is published. */
export default function TemplatesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay('content:write');
  const [address, change] = useAddress<'q' | 'archived'>();
  const archived = address.archived === '1';
  const list = usePages(['templates', address.q, archived], (cursor) =>
    take(api.GET('/v1/templates', { params: { query: { search: address.q, archived, cursor, limit: 50 } } })),
  );
  const add = may && (
    <Button component={Link} to="/templates/new" leftSection={<IconPlus size={16} />}>{t('content.new')}</Button>
  );
  return (
    <Page title={t('nav.templates')} lead={t('content.lead')} actions={add}>
      <FindBar address={address} change={change} archivedLabel={t('content.show_archived')} />
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('nav.templates')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(row) => row.id}
          onOpen={(row) => void navigate({ to: `/templates/${row.id}` })}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={
            <EmptyState icon={IconTemplates} title={address.q ? t('content.none_found') : t('content.empty')} action={!address.q && add}>
              {t('content.empty_hint')}
            </EmptyState>
          }
          columns={[
            {
              key: 'name',
              head: t('common.name'),
              cell: (row) => <Anchor component={Link} to={`/templates/${row.id}`} size="sm" fw={550}>{row.name}</Anchor>,
            },
            {
              key: 'state',
              head: t('common.state'),
              cell: (row) => (
                <Group gap={6}>
                  {row.archived ? <Status state="archived" /> : row.published_id ? <Status state="published" /> : <Status state="draft" />}
                  {row.published_id !== null && row.draft_id !== null && <Text size="xs" c="dimmed">{t('content.newer_draft')}</Text>}
                </Group>
              ),
            },
            { key: 'channel', head: t('channels.channel'), cell: (row) => t(`channel.${row.channel}`, { defaultValue: row.channel }) },
            { key: 'updated', head: t('common.updated'), right: true, cell: (row) => <Moment at={row.updated_at} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}
