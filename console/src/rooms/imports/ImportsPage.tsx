import { Anchor, Button, Group, Progress, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { Mark } from '@/design/Mark';
import { useFormat } from '@/design/format';
import { IconImports, IconPlus } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';

type Import = Schema<'Import'>;

function Far({ one }: { one: Import }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (one.state === 'waiting' || one.state === 'running') {
    return <Progress value={one.total ? (100 * one.done) / one.total : 100} animated size="sm" w={140} aria-label={t('imports.progress', { name: one.file })} />;
  }
  return (
    <Text size="sm">
      {t('imports.rows', { count: one.rows, shown: format.number(one.rows) })}
      {one.refused > 0 && <Text span size="sm" c="var(--mantine-color-error)">{` · ${t('imports.refused_n', { shown: format.number(one.refused) })}`}</Text>}
    </Text>
  );
}

/** Files brought in, and what became of their rows. */
export default function ImportsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay('imports:write');
  const list = usePages(
    ['imports'],
    (cursor) => take(api.GET('/v1/imports', { params: { query: { cursor, limit: 50 } } })),
    { refetchInterval: 2500 },
  );
  const add = may && <Button component={Link} to="/imports/new" leftSection={<IconPlus size={16} />}>{t('imports.new')}</Button>;
  return (
    <Page title={t('nav.imports')} lead={t('imports.lead')} actions={add}>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('nav.imports')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(one) => one.id}
          onOpen={(one) => void navigate({ to: `/imports/${one.id}` })}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={<EmptyState icon={IconImports} title={t('imports.empty')} action={add}>{t('imports.empty_hint')}</EmptyState>}
          columns={[
            { key: 'file', head: t('imports.file'), cell: (one) => <Anchor component={Link} to={`/imports/${one.id}`} size="sm" fw={550}>{one.file}</Anchor> },
            { key: 'kind', head: t('imports.kind'), cell: (one) => t(`imports.kind_${one.kind}`) },
            {
              key: 'state',
              head: t('common.state'),
              cell: (one) => (
                <Group gap={6}>
                  <Status state={one.state} />
                  {one.dry_run && <Mark colour="grape">{t('imports.dry_run')}</Mark>}
                </Group>
              ),
            },
            { key: 'far', head: t('imports.result'), cell: (one) => <Far one={one} /> },
            { key: 'by', head: t('campaigns.by'), cell: (one) => <Text size="sm" c="dimmed">{one.created_by}</Text> },
            { key: 'at', head: t('common.when'), right: true, cell: (one) => <Moment at={one.created_at} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}
