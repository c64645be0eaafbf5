import { Anchor, Avatar, Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { IconCustomers } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { CustomerPicker } from '../profiles/CustomerPicker';
import { SegmentWhy } from './SegmentWhy';

type Card = Schema<'CustomerCard'>;

function traitsOf(card: Card): string {
  return Object.values(card.traits)
    .filter((value) => ['string', 'number'].includes(typeof value))
    .slice(0, 4)
    .join(' · ');
}

/** Who belongs, as of the last refresh; and for anybody, why they do or do not. */
export function Members({ segment }: { segment: Schema<'SegmentItem'> }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<{ id: number; name: string } | null>(null);
  const list = usePages(['segment-members', segment.id, segment.evaluated_at], (cursor) =>
    take(api.GET('/v1/segments/{segment_id}/members', { params: { path: { segment_id: segment.id }, query: { cursor, limit: 50 } } })),
  );
  return (
    <>
      <Group mb="md">
        <CustomerPicker
          label={t('segments.ask_why')}
          hideLabel
          w={300}
          value={asked?.id ?? null}
          onChange={(id) => setAsked(id === null ? null : { id, name: t('profiles.unnamed', { id }) })}
        />
      </Group>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('segments.members')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(card) => card.id}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={<EmptyState icon={IconCustomers} title={t('segments.no_members')}>{t('segments.no_members_hint')}</EmptyState>}
          columns={[
            {
              key: 'name',
              head: t('common.customer'),
              cell: (card) => (
                <Group gap="sm" wrap="nowrap">
                  <Avatar size={28} radius="xl" name={card.name || '?'} color="initials" aria-hidden />
                  <Anchor component={Link} to={`/customers/${card.id}`} size="sm" fw={550}>{card.name || t('profiles.unnamed', { id: card.id })}</Anchor>
                </Group>
              ),
            },
            { key: 'traits', head: t('profiles.traits'), cell: (card) => <Text size="sm" c="dimmed" lineClamp={1}>{traitsOf(card)}</Text> },
            {
              key: 'why',
              head: t('common.actions'),
              right: true,
              cell: (card) => (
                <Button size="compact-xs" variant="light" onClick={() => setAsked({ id: card.id, name: card.name || t('profiles.unnamed', { id: card.id }) })}>
                  {t('segments.why')}
                </Button>
              ),
            },
          ]}
        />
      </Panel>
      {asked && <SegmentWhy segmentId={segment.id} profile={asked} onClose={() => setAsked(null)} />}
    </>
  );
}
