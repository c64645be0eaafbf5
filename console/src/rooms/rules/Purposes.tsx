import { Badge, Button, Group, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { IconPlus } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { FormDialog } from '@/design/SaveForm';
import { done, failed } from '@/design/toast';
import { usePurposeTitle, useSuitability } from './purposes';

type Purpose = Schema<'Purpose'>;

function PurposeEditor({ purpose, onClose }: { purpose: Purpose | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const known = usePurposeTitle();
  const [title, setTitle] = useState(purpose ? known(purpose.name) : '');
  const save = useMutation({
    mutationFn: () =>
      purpose
        ? take(api.PUT('/v1/delivery/purposes/{name}', { params: { path: { name: purpose.name } }, body: { title, archived: Boolean(purpose.archived_at) } }))
        : take(api.POST('/v1/delivery/purposes', { body: { title } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['suitability'] });
      done(t('rules.purpose_saved', { name: title }));
      onClose();
    },
  });
  return (
    <FormDialog title={t(purpose ? 'rules.purpose_rename' : 'rules.purpose_new')} saving={save} disabled={!title.trim()} onSubmit={() => save.mutate()} onClose={onClose}>
      <TextInput label={t('rules.purpose_title')} description={purpose ? undefined : t('rules.purpose_title_hint')} required data-autofocus maxLength={100} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
    </FormDialog>
  );
}

/** What messages may be for: the house's purposes and one's own. */
export function Purposes() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:rules');
  const known = usePurposeTitle();
  const [editing, setEditing] = useState<Purpose | 'new' | null>(null);
  const stored = useSuitability();
  const offer = useMutation({
    mutationFn: ({ purpose, archived }: { purpose: Purpose; archived: boolean }) =>
      take(api.PUT('/v1/delivery/purposes/{name}', { params: { path: { name: purpose.name } }, body: { title: purpose.title, archived } })),
    onSuccess: (after) => {
      void client.invalidateQueries({ queryKey: ['suitability'] });
      done(t(after.archived_at ? 'rules.purpose_archived' : 'rules.purpose_restored', { name: known(after.name) }));
    },
    onError: failed,
  });
  const add = may && <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>{t('rules.purpose_new')}</Button>;
  return (
    <Panel title={t('rules.purposes')} hint={t('rules.purposes_hint')} flush actions={add}>
      <ProblemAlert error={stored.error} />
      <DataTable
        label={t('rules.purposes')}
        rows={stored.data?.purposes}
        loading={stored.isLoading}
        rowKey={(one) => one.name}
        columns={[
          {
            key: 'title',
            head: t('campaigns.purpose'),
            cell: (one) => (
              <Group gap="xs">
                <Text size="sm" fw={550} c={one.archived_at ? 'dimmed' : undefined}>{known(one.name)}</Text>
                {one.archived_at && <Badge size="sm" variant="light" color="gray">{t('rules.archived')}</Badge>}
              </Group>
            ),
          },
          { key: 'name', head: t('rules.purpose_name'), cell: (one) => <Text size="sm" c="dimmed" ff="monospace">{one.name}</Text> },
          {
            key: 'do',
            head: t('common.actions'),
            right: true,
            cell: (one) => may && (
              <Group gap={4} justify="flex-end" wrap="nowrap">
                <Button size="compact-xs" variant="subtle" onClick={() => setEditing(one)}>{t('rules.rename')}</Button>
                {one.name !== 'one_time_code' && (
                  <Button size="compact-xs" variant="subtle" color={one.archived_at ? undefined : 'red'} onClick={() => offer.mutate({ purpose: one, archived: !one.archived_at })}>
                    {t(one.archived_at ? 'rules.restore' : 'rules.archive')}
                  </Button>
                )}
              </Group>
            ),
          },
        ]}
      />
      {editing && <PurposeEditor purpose={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </Panel>
  );
}
