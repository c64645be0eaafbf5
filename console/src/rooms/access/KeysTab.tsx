import { Button, Code, Group, Modal, MultiSelect, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay, useSession } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { Mark } from '@/design/Mark';
import { IconKey, IconPlus } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { SaveForm } from '@/design/SaveForm';
import { Secret } from '@/design/Secret';
import { done, failed } from '@/design/toast';

type Key = Schema<'Key'>;

function NewKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const mine = useSession().data?.permissions ?? [];
  const form = useForm({
    initialValues: { name: '', kind: 'write' as Key['kind'], permissions: [] as string[], expires: null as string | null },
  });
  const issue = useMutation({
    mutationFn: ({ name, kind, permissions, expires }: typeof form.values) =>
      take(
        api.POST('/v1/keys', {
          body: {
            name,
            kind,
            permissions: kind === 'api' ? permissions : [],
            expires_at: expires ? new Date(expires).toISOString() : null,
          },
        }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['keys'] }),
  });
  const close = () => {
    form.reset();
    issue.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={t('keys.new')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      {issue.data ? (
        <Stack>
          <Secret title={t('keys.issued', { name: issue.data.key.name })} value={issue.data.token} />
          {issue.data.key.kind === 'write' && <Text size="sm" c="dimmed">{t('keys.write_use')}</Text>}
          <Group justify="flex-end"><Button onClick={close}>{t('common.close')}</Button></Group>
        </Stack>
      ) : (
        <SaveForm saving={issue} action={t('keys.issue')} onSubmit={form.onSubmit((values) => issue.mutate(values))} onClose={close}>
          <SegmentedControl
            fullWidth
            data={[{ value: 'write', label: t('keys.kind_write') }, { value: 'api', label: t('keys.kind_api') }]}
            aria-label={t('keys.kind')}
            {...form.getInputProps('kind')}
          />
          <Text size="sm" c="dimmed">{t(`keys.hint_${form.values.kind}`)}</Text>
          <TextInput label={t('common.name')} placeholder={t('keys.name_placeholder')} required data-autofocus {...form.getInputProps('name')} />
          {form.values.kind === 'api' && (
            <MultiSelect
              label={t('keys.permissions')}
              data={mine}
              searchable
              required
              clearable
              maxDropdownHeight={220}
              {...form.getInputProps('permissions')}
            />
          )}
          <DateTimePicker
            label={t('keys.expires')}
            description={t('keys.expires_hint')}
            clearable
            minDate={new Date()}
            {...form.getInputProps('expires')}
          />
        </SaveForm>
      )}
    </Modal>
  );
}

function KeyState({ one }: { one: Key }) {
  const { t } = useTranslation();
  if (one.revoked_at) return <Mark colour="gray">{t('keys.revoked')}</Mark>;
  if (one.expires_at && new Date(one.expires_at) < new Date()) return <Mark colour="gray">{t('state.expired')}</Mark>;
  return <Mark colour="teal">{t('state.active')}</Mark>;
}

/** Keys for programs: API keys with permissions, and write keys of event sources. */
export default function KeysTab() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('access:manage_keys');
  const [making, setMaking] = useState(false);
  const [dialog, ask] = useConfirm();
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => take(api.GET('/v1/keys')) });
  const revoke = useMutation({
    mutationFn: (id: number) => take(api.DELETE('/v1/keys/{key_id}', { params: { path: { key_id: id } } })),
    onSuccess: () => {
      done(t('keys.revoked_done'));
      void client.invalidateQueries({ queryKey: ['keys'] });
    },
    onError: failed,
  });
  const confirm = async (one: Key) => {
    const yes = await ask({
      title: t('keys.revoke_title', { name: one.name }),
      body: t('keys.revoke_body'),
      confirm: t('keys.revoke'),
      danger: true,
    });
    if (yes) revoke.mutate(one.id);
  };
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t('keys.new')}</Button>;
  return (
    <Panel title={t('keys.title')} hint={t('keys.hint')} flush actions={add}>
      <ProblemAlert error={keys.error} />
      <DataTable
        label={t('keys.title')}
        rows={keys.data}
        loading={keys.isLoading}
        rowKey={(one) => one.id}
        empty={<EmptyState icon={IconKey} title={t('keys.empty')} action={add}>{t('keys.empty_hint')}</EmptyState>}
        columns={[
          { key: 'name', head: t('common.name'), cell: (one) => <Text size="sm" fw={550}>{one.name}</Text> },
          { key: 'kind', head: t('keys.kind'), cell: (one) => t(`keys.kind_${one.kind}`) },
          { key: 'hint', head: t('keys.begins'), cell: (one) => <Code>{one.hint}…</Code> },
          { key: 'state', head: t('common.state'), cell: (one) => <KeyState one={one} /> },
          { key: 'used', head: t('keys.last_used'), cell: (one) => <Moment at={one.last_used_at} /> },
          { key: 'created', head: t('common.created'), cell: (one) => <Moment at={one.created_at} /> },
          {
            key: 'revoke',
            head: t('common.actions'),
            right: true,
            cell: (one) =>
              may && !one.revoked_at ? (
                <Button size="compact-xs" variant="subtle" color="red" onClick={() => void confirm(one)}>{t('keys.revoke')}</Button>
              ) : null,
          },
        ]}
      />
      <NewKey opened={making} onClose={() => setMaking(false)} />
      {dialog}
    </Panel>
  );
}
