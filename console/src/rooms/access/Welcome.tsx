import { Alert, Button, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link } from '@tanstack/react-router';
import { useMutation } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { ProblemAlert } from '@/design/ProblemAlert';
import { IconCheck } from '@/design/icons';
import { useAddress } from '@/shell/address';
import { Gate } from './Gate';

/** Where an invitation or a password reset leads: choose a password, then sign in. */
export default function Welcome() {
  const { t } = useTranslation();
  const [address] = useAddress<'token'>();
  const form = useForm({ initialValues: { name: '', password: '' } });
  const accept = useMutation({
    mutationFn: ({ name, password }: { name: string; password: string }) =>
      take(
        api.POST('/v1/invitations/accept', {
          body: { token: address.token ?? '', password, name: name.trim() || null },
        }),
      ),
  });
  useEffect(() => {
    document.title = `${t('access.welcome')} · Antiphon`;
  }, [t]);
  return (
    <Gate>
      <form onSubmit={form.onSubmit((values) => accept.mutate(values))}>
        <Stack gap="md">
          <Title order={1} fz="1.5rem">{t('access.welcome')}</Title>
          {accept.isSuccess ? (
            <>
              <Alert color="teal" icon={<IconCheck size={18} />} role="status">{t('access.password_set')}</Alert>
              <Button component={Link} to="/sign-in" size="md">{t('access.sign_in')}</Button>
            </>
          ) : address.token ? (
            <>
              <Text c="dimmed" size="sm">{t('access.welcome_lead')}</Text>
              <ProblemAlert error={accept.error} />
              <TextInput label={t('access.your_name')} autoComplete="name" size="md" {...form.getInputProps('name')} />
              <PasswordInput
                label={t('access.new_password')}
                description={t('access.password_rule')}
                autoComplete="new-password"
                required
                withAsterisk={false}
                minLength={10}
                size="md"
                visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }}
                {...form.getInputProps('password')}
              />
              <Button type="submit" size="md" loading={accept.isPending}>{t('access.set_password')}</Button>
            </>
          ) : (
            <Alert color="yellow">{t('access.token_missing')}</Alert>
          )}
        </Stack>
      </form>
    </Gate>
  );
}
