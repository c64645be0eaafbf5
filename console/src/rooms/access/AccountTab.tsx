import { Button, Group, PasswordInput, Select, SimpleGrid, Stack, Text, TextInput, useMantineColorScheme } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useSession } from '@/api/session';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { LANGUAGE_NAMES, LANGUAGES, speak, type Language } from '@/words';
import { SecondFactor } from './SecondFactor';
import { Sessions } from './Sessions';

function Preferences({ me }: { me: Schema<'Me'> }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const form = useForm({ initialValues: { name: me.name, locale: i18n.language as Language, theme: colorScheme } });
  const save = useMutation({
    mutationFn: (body: Schema<'Preferences'>) => take(api.PATCH('/v1/session/preferences', { body })),
    onSuccess: async (session) => {
      client.setQueryData(['session'], session);
      setColorScheme(session.theme);
      await speak(session.locale);
      done(t('common.saved'));
    },
    onError: failed,
  });
  return (
    <Panel title={t('account.preferences')}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="sm">
          <TextInput label={t('access.your_name')} autoComplete="name" {...form.getInputProps('name')} />
          <Select
            label={t('shell.language')}
            data={LANGUAGES.map((language) => ({ value: language, label: LANGUAGE_NAMES[language] }))}
            allowDeselect={false}
            {...form.getInputProps('locale')}
          />
          <Select
            label={t('shell.scheme')}
            data={(['auto', 'light', 'dark'] as const).map((one) => ({ value: one, label: t(`shell.scheme_${one}`) }))}
            allowDeselect={false}
            {...form.getInputProps('theme')}
          />
          <Group justify="space-between">
            <Text size="xs" c="dimmed">{me.email}</Text>
            <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}

function Password() {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { present: '', new: '' } });
  const change = useMutation({
    mutationFn: (body: Schema<'PasswordChange'>) => take(api.PUT('/v1/session/password', { body })),
    onSuccess: () => {
      form.reset();
      done(t('account.password_changed'));
    },
  });
  const toggle = { 'aria-label': t('access.show_password') };
  return (
    <Panel title={t('account.password')} hint={t('account.password_hint')}>
      <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
        <Stack gap="sm">
          <ProblemAlert error={change.error} />
          <PasswordInput
            label={t('account.present')}
            autoComplete="current-password"
            required
            visibilityToggleButtonProps={toggle}
            {...form.getInputProps('present')}
          />
          <PasswordInput
            label={t('access.new_password')}
            description={t('access.password_rule')}
            autoComplete="new-password"
            minLength={10}
            required
            visibilityToggleButtonProps={toggle}
            {...form.getInputProps('new')}
          />
          <Group justify="flex-end">
            <Button type="submit" variant="default" loading={change.isPending}>{t('account.change_password')}</Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}

/** What everybody sets for themselves. */
export default function AccountTab() {
  const me = useSession().data;
  if (!me) return null;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Stack>
        <Preferences me={me} />
        <Password />
      </Stack>
      <Stack>
        <SecondFactor on={me.second_factor} />
        <Sessions />
      </Stack>
    </SimpleGrid>
  );
}
