import { Button, Code, Drawer, Group, SegmentedControl, Stack, Text, UnstyledButton } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { Mark } from '@/design/Mark';
import { useFormat } from '@/design/format';
import { IconCheck } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { Whole } from './Properties';

type Reject = Schema<'RejectShown'>;

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    return payload;
  }
}

/** Calls that could not be understood, why, and the way to try them again once the cause is mended. */
export function Rejects({ may }: { may: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const [which, setWhich] = useState<'waiting' | 'all'>('waiting');
  const [waiting, setWaiting] = useState<Record<string, number>>({});
  const [open, setOpen] = useState<Reject | null>(null);
  const inWords = (one: Reject) => t(`events.reject_${one.code}`, { defaultValue: one.detail });
  const list = usePages(['rejects', which], async (cursor) => {
    const page = await take(api.GET('/v1/rejects', { params: { query: { waiting: which === 'waiting' ? true : undefined, cursor, limit: 50 } } }));
    setWaiting(page.waiting);
    return page;
  });
  const replay = useMutation({
    mutationFn: (ids: number[] | null) => take(api.POST('/v1/rejects/replay', { body: { ids } })),
    onSuccess: ({ replayed }) => {
      done(t('events.replayed', { count: replayed, shown: format.number(replayed) }));
      setOpen(null);
      void client.invalidateQueries({ queryKey: ['rejects'] });
    },
    onError: failed,
  });
  const total = Object.values(waiting).reduce((sum, count) => sum + count, 0);
  return (
    <>
      <Group mb="md" justify="space-between">
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            value={which}
            onChange={(next) => setWhich(next as 'waiting' | 'all')}
            data={[{ value: 'waiting', label: t('events.waiting') }, { value: 'all', label: t('common.all') }]}
            aria-label={t('events.tab_rejects')}
          />
          {Object.entries(waiting).map(([code, count]) => <Mark key={code} colour="orange">{`${t(`events.reject_${code}`, { defaultValue: code })} · ${format.number(count)}`}</Mark>)}
        </Group>
        {may && total > 0 && <Button variant="default" loading={replay.isPending} onClick={() => replay.mutate(null)}>{t('events.replay_all')}</Button>}
      </Group>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('events.tab_rejects')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(one) => one.id}
          onOpen={setOpen}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={<EmptyState icon={IconCheck} title={t('events.no_rejects')}>{t('events.no_rejects_hint')}</EmptyState>}
          columns={[
            { key: 'code', head: t('events.code'), cell: (one) => <UnstyledButton onClick={() => setOpen(one)}><Code>{one.code}</Code></UnstyledButton> },
            { key: 'detail', head: t('events.reason'), cell: (one) => <Text size="sm">{inWords(one)}</Text> },
            { key: 'at', head: t('events.received'), cell: (one) => <Moment at={one.received_at} /> },
            {
              key: 'do',
              head: t('common.actions'),
              right: true,
              cell: (one) =>
                one.replayed_at ? (
                  <Text size="xs" c="dimmed">{t('events.replayed_at', { when: format.dateTime(one.replayed_at) })}</Text>
                ) : (
                  may && <Button size="compact-xs" variant="light" onClick={() => replay.mutate([one.id])}>{t('events.replay')}</Button>
                ),
            },
          ]}
        />
      </Panel>
      <Drawer opened={open !== null} onClose={() => setOpen(null)} title={open && inWords(open)} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
        {open && (
          <Stack gap="sm">
            <Text size="sm">{t('events.code')}: <Code>{open.code}</Code></Text>
            <Code block lang="en" aria-label={t('events.as_found')}>{open.detail}</Code>
            <Whole label={t('events.payload')} value={parsed(open.payload)} />
            {may && !open.replayed_at && <Button onClick={() => replay.mutate([open.id])} loading={replay.isPending}>{t('events.replay')}</Button>}
          </Stack>
        )}
      </Drawer>
    </>
  );
}
