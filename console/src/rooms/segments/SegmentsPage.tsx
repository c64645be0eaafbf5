import { Anchor, Button, Text, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { FindBar } from '@/design/FindBar';
import { useFormat } from '@/design/format';
import { IconPlus, IconSegments } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Sparkline } from '@/design/Sparkline';
import { Status } from '@/design/Status';
import { useAddress } from '@/shell/address';
import { Sentence } from './Sentence';

type Item = Schema<'SegmentItem'>;
const DAYS = 30;

export function Freshness({ one }: { one: Item }) {
  const { t } = useTranslation();
  if (one.failed) return <Tooltip label={one.failed}><span><Status state="failed" /></span></Tooltip>;
  if (one.refreshing) return <Status state="computing" />;
  if (one.kind === 'static') return <Text size="sm" c="dimmed">{t('segments.static')}</Text>;
  if (one.freshness === 'live') return <Tooltip label={t('sets.fresh_live')}><span><Mark colour="teal">{t('sets.live')}</Mark></span></Tooltip>;
  return <Text size="sm" c="dimmed" component="span"><Moment at={one.evaluated_at} /></Text>;
}

/** Groups of customers that keep themselves up to date. */
export default function SegmentsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const may = useMay('segments:write');
  const [address, change] = useAddress<'q' | 'archived'>();
  const archived = address.archived === '1';
  const list = usePages(
    ['segments', address.q, archived],
    (cursor) =>
      take(
        api.GET('/v1/segments', {
          params: { query: { search: address.q, state: archived ? 'archived' : 'active', cursor, limit: 50 } },
        }),
      ),
    { refetchInterval: 5000 },
  );
  const ids = (list.rows ?? []).slice(0, 100).map((one) => one.id);
  const sizes = useQuery({
    queryKey: ['segments', 'sizes', ids],
    enabled: ids.length > 0,
    queryFn: () => take(api.GET('/v1/segments/sizes', { params: { query: { ids, days: DAYS } } })),
  });
  const grown = (one: Item) => {
    const values = sizes.data?.find((sized) => sized.segment_id === one.id)?.sizes ?? [];
    const first = values.find((value) => value !== null) ?? 0;
    const label = t('segments.grown', { days: DAYS, from: format.number(first), to: format.number(one.size) });
    return <Sparkline label={label} values={values} />;
  };
  const overlaps = <Button component={Link} to="/segments/sets" variant="default" leftSection={<IconSegments size={16} />}>{t('sets.title')}</Button>;
  const byHand = may && <Button component={Link} to="/segments/new" search={{ by: 'hand' } as never} variant="default">{t('segments.new_list')}</Button>;
  const add = may && <Button component={Link} to="/segments/new" leftSection={<IconPlus size={16} />}>{t('segments.new')}</Button>;
  return (
    <Page title={t('nav.segments')} lead={t('segments.lead')} actions={<>{overlaps}{byHand}{add}</>}>
      <FindBar address={address} change={change} archivedLabel={t('segments.show_archived')} />
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('nav.segments')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(one) => one.id}
          onOpen={(one) => void navigate({ to: `/segments/${one.id}` })}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={
            <EmptyState icon={IconSegments} title={t('segments.empty')} action={!address.q && !archived && add}>
              {t('segments.empty_hint')}
            </EmptyState>
          }
          columns={[
            {
              key: 'name',
              head: t('common.name'),
              cell: (one) => (
                <div>
                  <Anchor component={Link} to={`/segments/${one.id}`} size="sm" fw={550}>{one.name}</Anchor>
                  <Text size="xs" c="dimmed" lineClamp={1} maw={560}>
                    {one.description || (one.tree && <Sentence node={one.tree} />)}
                  </Text>
                </div>
              ),
            },
            { key: 'size', head: t('segments.size'), right: true, cell: (one) => <Text size="sm" fw={570}>{format.number(one.size)}</Text> },
            { key: 'grown', head: t('segments.growth_days', { days: DAYS }), cell: grown },
            { key: 'fresh', head: t('segments.freshness'), right: true, cell: (one) => <Freshness one={one} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}
