import { Button, Select, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { IconDownload, IconNot, IconPlus, IconSearch, IconUpload } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { FormDialog } from '@/design/SaveForm';
import { done, failed } from '@/design/toast';
import { BringList } from './BringList';
import { ChannelSelect } from './ConsentTab';

type Row = Schema<'SuppressionRow'>;
type Reason = Row['reason'];
const REASONS: Reason[] = ['hard_bounce', 'complaint', 'manual'];

function Suppress({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [channel, setChannel] = useState<string | null>('email');
  const [address, setAddress] = useState('');
  const [until, setUntil] = useState('');
  const [note, setNote] = useState('');
  const add = useMutation({
    mutationFn: () => take(api.POST('/v1/suppressions', { body: { channel: channel ?? '', address, reason: 'manual', note, expires_at: until ? new Date(until).toISOString() : null } })),
    onSuccess: () => {
      done(t('consent.suppressed', { address }));
      void client.invalidateQueries({ queryKey: ['suppressions'] });
      onClose();
    },
  });
  return (
    <FormDialog title={t('consent.suppress')} saving={add} action={t('consent.suppress')} onSubmit={() => add.mutate()} onClose={onClose}>
      <ChannelSelect label={t('channels.channel')} value={channel} onChange={setChannel} />
      <TextInput label={t('consent.address')} required value={address} onChange={(event) => setAddress(event.currentTarget.value)} />
      <TextInput type="date" label={t('consent.expires')} description={t('consent.expires_hint')} value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
      <TextInput label={t('consent.proof_note')} maxLength={400} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
    </FormDialog>
  );
}

/** Addresses that bounced, complained or were taken off by hand. */
export function Suppressions() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('consent:write');
  const [typed, setTyped] = useState('');
  const [address] = useDebouncedValue(typed, 300);
  const mayBring = useMay('consent:manage');
  const [adding, setAdding] = useState(false);
  const [bringing, setBringing] = useState(false);
  const [reason, setReason] = useState<Reason | null>(null);
  const list = usePages(['suppressions', address, reason], (cursor) =>
    take(api.GET('/v1/suppressions', { params: { query: { address: address || undefined, reason, cursor, limit: 20 } } })),
  );
  const refresh = () => void client.invalidateQueries({ queryKey: ['suppressions'] });
  const again = useMutation({
    mutationFn: (row: Row) => take(api.POST('/v1/suppressions', { body: { channel: row.channel, address: row.address, reason: row.reason, note: row.note, expires_at: row.expires_at } })),
    onSuccess: refresh,
    onError: failed,
  });
  const allow = useMutation({
    mutationFn: (row: Row) => take(api.DELETE('/v1/suppressions/{channel}/{address}', { params: { path: { channel: row.channel, address: row.address } } })),
    onSuccess: (_, row) => {
      refresh();
      done(t('consent.allowed', { address: row.address }), () => again.mutate(row));
    },
    onError: failed,
  });
  return (
    <Panel
      title={t('consent.suppressions')}
      hint={t('consent.suppressions_hint')}
      flush
      actions={
        <>
          <TextInput
            size="xs"
            w={200}
            leftSection={<IconSearch size={14} />}
            aria-label={t('consent.find_address')}
            placeholder={t('consent.find_address')}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Select
            size="xs"
            w={150}
            clearable
            clearButtonProps={{ 'aria-label': t('common.clear') }}
            aria-label={t('consent.reason')}
            placeholder={t('consent.reason')}
            data={REASONS.map((one) => ({ value: one, label: t(`consent.reason_${one}`) }))}
            value={reason}
            onChange={(one) => setReason(one as Reason | null)}
          />
          {mayBring && <Button size="xs" variant="default" leftSection={<IconUpload size={14} />} onClick={() => setBringing(true)}>{t('consent.bring')}</Button>}
          {mayBring && <Button size="xs" variant="default" component="a" href="/v1/suppressions/list.csv" leftSection={<IconDownload size={14} />}>{t('consent.take')}</Button>}
          {may && <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>{t('consent.suppress')}</Button>}
        </>
      }
    >
      <ProblemAlert error={list.error} />
      <DataTable
        label={t('consent.suppressions')}
        rows={list.rows}
        loading={list.loading}
        rowKey={(row) => `${row.channel}:${row.address}`}
        more={list.more}
        loadingMore={list.loadingMore}
        empty={<EmptyState icon={IconNot} title={t('consent.no_suppressions')}>{t('consent.no_suppressions_hint')}</EmptyState>}
        columns={[
          { key: 'address', head: t('consent.address'), cell: (row) => <Text size="sm">{row.address}</Text> },
          { key: 'channel', head: t('channels.channel'), cell: (row) => t(`channel.${row.channel}`, { defaultValue: row.channel }) },
          { key: 'reason', head: t('consent.reason'), cell: (row) => t(`consent.reason_${row.reason}`, { defaultValue: row.reason }) },
          { key: 'note', head: t('consent.proof_note'), cell: (row) => <Text size="sm" c="dimmed">{row.note}</Text> },
          { key: 'expires', head: t('consent.expires'), cell: (row) => (row.expires_at ? <Moment at={row.expires_at} /> : null) },
          { key: 'at', head: t('common.when'), cell: (row) => <Moment at={row.at} /> },
          {
            key: 'do',
            head: t('common.actions'),
            right: true,
            cell: (row) => may && <Button size="compact-xs" variant="subtle" onClick={() => allow.mutate(row)}>{t('consent.allow')}</Button>,
          },
        ]}
      />
      {bringing && <BringList onClose={() => setBringing(false)} />}
      {adding && <Suppress onClose={() => setAdding(false)} />}
    </Panel>
  );
}
