import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Problem } from '@/api/problem';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { SchemaForm, type SettingsSchema } from './SchemaForm';
import type { Account, Kind } from './vocabulary';

interface AccountFormProps {
  kind: Kind;
  account: Account | null;
  readOnly?: boolean;
  onSaved: (saved: Account) => void;
  /** Stands beside the button that saves. */
  beside?: ReactNode;
}

/** The settings of an account, from its provider's own schema. */
export function AccountForm({ kind, account, readOnly, onSaved, beside }: AccountFormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(account?.name ?? '');
  const [settings, setSettings] = useState<Record<string, unknown>>(account?.settings ?? {});
  const save = useMutation({
    mutationFn: () =>
      account
        ? take(api.PUT('/v1/channels/{account_id}', { params: { path: { account_id: account.id } }, body: { name, settings, enabled: account.enabled } }))
        : take(api.POST('/v1/channels', { body: { channel: kind.channel, provider: kind.name, name, settings, enabled: true } })),
    onSuccess: (saved) => {
      void client.invalidateQueries({ queryKey: ['channels'] });
      done(t('channels.saved', { name }));
      onSaved(saved);
    },
  });
  const problem = save.error instanceof Problem ? save.error : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <ProblemAlert error={save.error} />
        <TextInput
          label={t('common.name')}
          description={t('channels.name_hint')}
          required
          readOnly={readOnly}
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <fieldset disabled={readOnly} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
          <SchemaForm
            schema={kind.settings_schema as SettingsSchema}
            secrets={kind.secrets}
            secretsSet={account?.secrets_set ?? []}
            values={settings}
            readOnly={readOnly}
            onChange={setSettings}
            fault={problem?.field ? { field: problem.field, message: problem.message } : null}
          />
        </fieldset>
        {!readOnly && (
          <Group justify="flex-end">
            {beside}
            <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}
