import { Button, Drawer, Group, Select, Stack, Switch, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { Problem } from '@/api/problem';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { SchemaForm, type SettingsSchema } from './SchemaForm';

interface AccountFormProps {
  kinds: Schema<'KindItem'>[];
  account: Schema<'AccountItem'> | null;
  onClose: () => void;
}

/** A new account, or an existing one to change. */
export function AccountForm({ kinds, account, onClose }: AccountFormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [provider, setProvider] = useState(account?.provider ?? kinds.find((one) => one.default)?.name ?? '');
  const [name, setName] = useState(account?.name ?? '');
  const [enabled, setEnabled] = useState(account?.enabled ?? true);
  const [settings, setSettings] = useState<Record<string, unknown>>(account?.settings ?? {});
  const kind = kinds.find((one) => one.name === provider);
  const save = useMutation({
    mutationFn: () =>
      account
        ? take(api.PUT('/v1/channels/{account_id}', { params: { path: { account_id: account.id } }, body: { name, settings, enabled } }))
        : take(api.POST('/v1/channels', { body: { channel: kind?.channel ?? '', provider, name, settings, enabled } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['channels'] });
      done(t('channels.saved', { name }));
      onClose();
    },
  });
  const problem = save.error instanceof Problem ? save.error : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Drawer
      opened
      onClose={onClose}
      size="xl"
      title={account ? account.name : t('channels.new')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form onSubmit={submit}>
        <Stack gap="md">
          <ProblemAlert error={save.error} />
          {!account && (
            <Select
              label={t('channels.channel')}
              data={kinds.map((one) => ({ value: one.name, label: `${one.channel_title}: ${one.title}` }))}
              value={provider}
              onChange={(next) => next && setProvider(next)}
              allowDeselect={false}
            />
          )}
          <TextInput
            label={t('common.name')}
            description={t('channels.name_hint')}
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {kind && (
            <SchemaForm
              schema={kind.settings_schema as SettingsSchema}
              secrets={kind.secrets}
              secretsSet={account?.secrets_set ?? []}
              values={settings}
              onChange={setSettings}
              fault={problem?.field ? { field: problem.field, message: problem.message } : null}
            />
          )}
          <Switch label={t('channels.enabled')} checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Drawer>
  );
}
