import { Button, MultiSelect, NumberInput, Switch, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { DurationInput, useSpan } from '@/design/DurationInput';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconGauge, IconPlus } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { FormDrawer } from '@/design/SaveForm';
import { done, failed } from '@/design/toast';
import { useChannelOptions } from '../campaigns/steps/HopsEditor';

type Cap = Schema<'Cap'>;
type Body = Schema<'CapBody'>;
const CLASSES = ['marketing', 'service', 'transactional'] as const;
const NEW: Body = { name: '', most: 3, seconds: 7 * 86_400, classes: ['marketing'], topics: [], channels: [], enabled: true };

const bodyOf = ({ name, most, seconds, classes, topics, channels, enabled }: Cap): Body => ({ name, most, seconds, classes, topics, channels, enabled });

function CapEditor({ cap, onClose, onSaved }: { cap: Cap | null; onClose: () => void; onSaved: () => void }) {
  const { t } = useTranslation();
  const [body, setBody] = useState<Body>(cap ? bodyOf(cap) : NEW);
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const channels = useChannelOptions();
  const put = (part: Partial<Body>) => setBody({ ...body, ...part });
  const save = useMutation({
    mutationFn: () => (cap ? take(api.PUT('/v1/delivery/caps/{cap_id}', { params: { path: { cap_id: cap.id } }, body })) : take(api.POST('/v1/delivery/caps', { body }))),
    onSuccess: () => {
      done(t('rules.cap_saved', { name: body.name }));
      onSaved();
      onClose();
    },
  });
  return (
    <FormDrawer title={cap ? cap.name : t('rules.cap_new')} saving={save} disabled={body.classes.length === 0} onSubmit={() => save.mutate()} onClose={onClose}>
      <TextInput label={t('common.name')} required data-autofocus maxLength={100} value={body.name} onChange={(event) => put({ name: event.currentTarget.value })} />
      <NumberInput label={t('rules.most')} required min={1} max={1000} allowDecimal={false} w={120} value={body.most} onChange={(typed) => put({ most: Math.max(1, Number(typed) || 1) })} />
      <DurationInput label={t('rules.within')} description={t('rules.within_hint')} value={body.seconds} min={60} onChange={(seconds) => put({ seconds })} />
      <MultiSelect label={t('campaigns.class')} required data={CLASSES.map((one) => ({ value: one, label: t(`campaigns.class_name.${one}`) }))} value={body.classes} onChange={(classes) => put({ classes: classes as Body['classes'] })} />
      <MultiSelect label={t('rules.topics')} description={t('rules.none_is_all')} data={(topics.data ?? []).map((one) => ({ value: one.name, label: one.title }))} value={body.topics ?? []} onChange={(names) => put({ topics: names })} />
      <MultiSelect label={t('rules.channels')} description={t('rules.none_is_all')} data={channels} value={body.channels ?? []} onChange={(names) => put({ channels: names })} />
    </FormDrawer>
  );
}

/** How many messages somebody gets at most, over all campaigns and channels. */
export function Caps() {
  const { t } = useTranslation();
  const format = useFormat();
  const span = useSpan();
  const client = useQueryClient();
  const may = useMay('delivery:rules');
  const [editing, setEditing] = useState<Cap | 'new' | null>(null);
  const caps = useQuery({ queryKey: ['caps'], queryFn: () => take(api.GET('/v1/delivery/caps')) });
  const refresh = () => void client.invalidateQueries({ queryKey: ['caps'] });
  const turn = useMutation({
    mutationFn: ({ cap, enabled }: { cap: Cap; enabled: boolean }) => take(api.PUT('/v1/delivery/caps/{cap_id}', { params: { path: { cap_id: cap.id } }, body: { ...bodyOf(cap), enabled } })),
    onSuccess: refresh,
    onError: failed,
  });
  const again = useMutation({ mutationFn: (cap: Cap) => take(api.POST('/v1/delivery/caps', { body: bodyOf(cap) })), onSuccess: refresh, onError: failed });
  const remove = useMutation({
    mutationFn: (cap: Cap) => take(api.DELETE('/v1/delivery/caps/{cap_id}', { params: { path: { cap_id: cap.id } } })),
    onSuccess: (_, cap) => {
      refresh();
      done(t('rules.cap_removed', { name: cap.name }), () => again.mutate(cap));
    },
    onError: failed,
  });
  const add = may && <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>{t('rules.cap_new')}</Button>;
  return (
    <Panel title={t('rules.caps')} hint={t('rules.caps_hint')} flush actions={add}>
      <ProblemAlert error={caps.error} />
      <DataTable
        label={t('rules.caps')}
        rows={caps.data}
        loading={caps.isLoading}
        rowKey={(cap) => cap.id}
        onOpen={may ? setEditing : undefined}
        empty={<EmptyState icon={IconGauge} title={t('rules.no_caps')} action={add}>{t('rules.no_caps_hint')}</EmptyState>}
        columns={[
          { key: 'name', head: t('common.name'), cell: (cap) => <UnstyledButton onClick={() => may && setEditing(cap)}><Text size="sm" fw={550}>{cap.name}</Text></UnstyledButton> },
          { key: 'rule', head: t('rules.rule'), cell: (cap) => t('rules.at_most', { count: cap.most, shown: format.number(cap.most), span: span(cap.seconds) }) },
          {
            key: 'what',
            head: t('rules.counts'),
            cell: (cap) => (
              <Text size="sm" c="dimmed">
                {format.list([...cap.classes.map((one) => t(`campaigns.class_name.${one}`)), ...(cap.topics ?? []), ...(cap.channels ?? []).map((one) => t(`channel.${one}`, { defaultValue: one }))])}
              </Text>
            ),
          },
          { key: 'on', head: t('common.state'), cell: (cap) => <Switch size="xs" disabled={!may} aria-label={t('rules.cap_on', { name: cap.name })} checked={cap.enabled} onChange={(event) => turn.mutate({ cap, enabled: event.currentTarget.checked })} /> },
          { key: 'do', head: t('common.actions'), right: true, cell: (cap) => may && <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(cap)}>{t('common.remove')}</Button> },
        ]}
      />
      {editing && <CapEditor cap={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onSaved={refresh} />}
    </Panel>
  );
}
