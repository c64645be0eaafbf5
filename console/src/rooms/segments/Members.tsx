import { Anchor, Avatar, Button, CloseButton, Group, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { IconCustomers } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { useMay } from '@/api/session';
import { done, failed } from '@/design/toast';
import { ProblemAlert } from '@/design/ProblemAlert';
import { AddPeople } from './AddPeople';
import { CustomerPicker } from '../profiles/CustomerPicker';
import { SegmentWhy } from './SegmentWhy';

type Card = Schema<'CustomerCard'>;

function traitsOf(card: Card): string {
  return Object.values(card.traits)
    .filter((value) => ['string', 'number'].includes(typeof value))
    .slice(0, 4)
    .join(' · ');
}

/** Who belongs, as of the last refresh; and for anybody, why they do or do not. A list by hand is changed here. */
export function Members({ segment }: { segment: Schema<'SegmentItem'> }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<{ id: number; name: string } | null>(null);
  const client = useQueryClient();
  const byHand = useMay('segments:write') && segment.kind === 'static' && segment.state === 'active';
  const change = async (body: Schema<'ListBody'>, said: string, undo?: () => void) => {
    try {
      await take(api.PUT('/v1/segments/{segment_id}/members', { params: { path: { segment_id: segment.id } }, body }));
      await client.invalidateQueries({ queryKey: ['segment', String(segment.id)] });
      await client.invalidateQueries({ queryKey: ['segment-members', segment.id] });
      done(said, undo);
    } catch (error) {
      failed(error);
    }
  };
  const remove = (card: Card) => {
    const name = card.name || t('profiles.unnamed', { id: card.id });
    void change({ remove: [card.id] }, t('segments.taken_off', { name }), () => void change({ add: [card.id] }, t('segments.put_back', { name })));
  };
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
        {byHand && <AddPeople segmentId={segment.id} />}
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
          empty={<EmptyState icon={IconCustomers} title={t('segments.no_members')}>{t(byHand ? 'segments.no_listed_hint' : 'segments.no_members_hint')}</EmptyState>}
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
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button size="compact-xs" variant="light" onClick={() => setAsked({ id: card.id, name: card.name || t('profiles.unnamed', { id: card.id }) })}>
                    {t('segments.why')}
                  </Button>
                  {byHand && <CloseButton size="sm" aria-label={t('segments.take_off', { name: card.name || t('profiles.unnamed', { id: card.id }) })} onClick={() => remove(card)} />}
                </Group>
              ),
            },
          ]}
        />
      </Panel>
      {asked && <SegmentWhy segmentId={segment.id} profile={asked} onClose={() => setAsked(null)} />}
    </>
  );
}
