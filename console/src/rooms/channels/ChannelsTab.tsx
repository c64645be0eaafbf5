import { Alert, Button, Group, List, Text, UnstyledButton } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { Mark } from '@/design/Mark';
import { IconPlug, IconPlus } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Slow } from '@/design/Slow';
import { done, failed } from '@/design/toast';
import { AccountForm } from './AccountForm';

type Account = Schema<'AccountItem'>;

/** The accounts messages leave through, with a test that connects as a send would. */
export default function ChannelsTab() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('channels:write');
  const [editing, setEditing] = useState<Account | 'new' | null>(null);
  const [dialog, ask] = useConfirm();
  const kinds = useQuery({ queryKey: ['channels', 'kinds'], queryFn: () => take(api.GET('/v1/channels/kinds')) });
  const accounts = useQuery({ queryKey: ['channels', 'accounts'], queryFn: () => take(api.GET('/v1/channels')) });
  const trial = useMutation({
    mutationFn: (one: Account) => take(api.POST('/v1/channels/{account_id}/test', { params: { path: { account_id: one.id } } })),
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: (id: number) => take(api.DELETE('/v1/channels/{account_id}', { params: { path: { account_id: id } } })),
    onSuccess: () => {
      done(t('channels.removed'));
      void client.invalidateQueries({ queryKey: ['channels'] });
    },
    onError: failed,
  });
  const confirm = async (one: Account) => {
    const yes = await ask({ title: t('channels.remove_title', { name: one.name }), body: t('channels.remove_body'), confirm: t('common.remove'), danger: true });
    if (yes) remove.mutate(one.id);
  };
  const title = (name: string) => kinds.data?.find((kind) => kind.channel === name)?.channel_title ?? name;
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')} disabled={!kinds.data}>{t('channels.new')}</Button>;
  return (
    <Panel title={t('channels.title')} hint={t('channels.hint')} flush actions={add}>
      <ProblemAlert error={accounts.error ?? kinds.error} />
      <Slow busy={trial.isPending} label={t('channels.testing')} />
      {trial.data && (
        <Alert
          m="md"
          color={trial.data.ok ? 'teal' : 'red'}
          title={t(trial.data.ok ? 'channels.test_ok' : 'channels.test_failed', { name: trial.variables?.name })}
          withCloseButton
          closeButtonLabel={t('common.close')}
          onClose={trial.reset}
          role="status"
        >
          <List size="sm" type="ordered">{trial.data.steps.map((step) => <List.Item key={step}>{step}</List.Item>)}</List>
          {trial.data.detail && <Text size="sm" mt="xs">{trial.data.detail}</Text>}
        </Alert>
      )}
      <DataTable
        label={t('channels.title')}
        rows={accounts.data}
        loading={accounts.isLoading}
        rowKey={(one) => one.id}
        onOpen={may ? setEditing : undefined}
        empty={<EmptyState icon={IconPlug} title={t('channels.empty')} action={add}>{t('channels.empty_hint')}</EmptyState>}
        columns={[
          {
            key: 'name',
            head: t('common.name'),
            cell: (one) => (
              <UnstyledButton onClick={() => may && setEditing(one)}>
                <Text size="sm" fw={550}>{one.name}</Text>
              </UnstyledButton>
            ),
          },
          { key: 'channel', head: t('channels.channel'), cell: (one) => title(one.channel) },
          { key: 'sender', head: t('channels.sender'), cell: (one) => String(one.settings.from_email ?? '') },
          {
            key: 'state',
            head: t('common.state'),
            cell: (one) => <Mark colour={one.enabled ? 'teal' : 'gray'}>{one.enabled ? t('settings.on') : t('settings.off')}</Mark>,
          },
          { key: 'updated', head: t('common.updated'), cell: (one) => <Moment at={one.updated_at} /> },
          {
            key: 'do',
            head: t('common.actions'),
            right: true,
            cell: (one) =>
              may ? (
                <Group gap={4} justify="flex-end" wrap="nowrap">
                  <Button size="compact-xs" variant="light" onClick={() => trial.mutate(one)} loading={trial.isPending && trial.variables?.id === one.id}>{t('channels.test')}</Button>
                  <Button size="compact-xs" variant="subtle" color="red" onClick={() => void confirm(one)}>{t('common.remove')}</Button>
                </Group>
              ) : null,
          },
        ]}
      />
      {editing && kinds.data && (
        <AccountForm kinds={kinds.data} account={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
      )}
      {dialog}
    </Panel>
  );
}
