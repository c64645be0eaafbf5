import { Button, Code, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { IconPlus } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { SaveForm } from '@/design/SaveForm';
import { Secret } from '@/design/Secret';
import { failed } from '@/design/toast';

/** What sends events, each with its write keys. */
export function Sources({ may }: { may: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [name, setName] = useState('');
  const sources = useQuery({ queryKey: ['sources'], queryFn: () => take(api.GET('/v1/sources')) });
  const refresh = () => void client.invalidateQueries({ queryKey: ['sources'] });
  const add = useMutation({ mutationFn: () => take(api.POST('/v1/sources', { body: { name } })), onSuccess: refresh });
  const another = useMutation({
    mutationFn: (id: number) => take(api.POST('/v1/sources/{source_id}/keys', { params: { path: { source_id: id } } })),
    onSuccess: refresh,
    onError: failed,
  });
  const issued = add.data ?? another.data;
  const close = () => {
    setAdding(false);
    setName('');
    add.reset();
    another.reset();
  };
  return (
    <Panel
      title={t('events.sources')}
      hint={t('events.sources_hint')}
      flush
      actions={may && <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>{t('events.new_source')}</Button>}
    >
      <ProblemAlert error={sources.error} />
      <DataTable
        label={t('events.sources')}
        rows={sources.data}
        loading={sources.isLoading}
        rowKey={(source) => source.id}
        columns={[
          { key: 'name', head: t('common.name'), cell: (source) => <Text size="sm" fw={550}>{source.name}</Text> },
          {
            key: 'keys',
            head: t('events.write_keys'),
            cell: (source) => (
              <Group gap={6}>
                {source.write_keys.filter((key) => !key.revoked_at).map((key) => <Code key={key.id}>{key.hint}…</Code>)}
              </Group>
            ),
          },
          { key: 'created', head: t('common.created'), cell: (source) => <Moment at={source.created_at} /> },
          {
            key: 'do',
            head: t('common.actions'),
            right: true,
            cell: (source) =>
              may && source.id > 0 && <Button size="compact-xs" variant="subtle" onClick={() => another.mutate(source.id)}>{t('events.another_key')}</Button>,
          },
        ]}
      />
      <Modal opened={adding || issued !== undefined} onClose={close} title={issued ? issued.source.name : t('events.new_source')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        {issued ? (
          <Stack>
            <Secret title={t('events.write_key')} value={issued.write_key} />
            <Text size="sm" c="dimmed">{t('keys.write_use')}</Text>
            <Group justify="flex-end"><Button onClick={close}>{t('common.close')}</Button></Group>
          </Stack>
        ) : (
          <SaveForm saving={add} action={t('common.create')} onSubmit={() => add.mutate()} onClose={close}>
            <TextInput label={t('common.name')} placeholder={t('events.source_placeholder')} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          </SaveForm>
        )}
      </Modal>
    </Panel>
  );
}
