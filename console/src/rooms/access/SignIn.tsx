import { Alert, Anchor, Button, PasswordInput, PinInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/problem';
import { signIn } from '@/api/session';
import { IconAlert } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useAddress } from '@/shell/address';
import { Gate } from './Gate';

const isCode = (error: unknown, code: string) =>
  error instanceof Problem && error.code.replaceAll('_', '-') === code;

/** Address and password; then, for whoever has one, the second factor. */
export default function SignIn() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [address] = useAddress<'next'>();
  const [step, setStep] = useState<'password' | 'code' | 'recovery'>('password');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const alert = useRef<HTMLDivElement>(null);
  const form = useForm({ initialValues: { email: '', password: '', code: '' } });

  useEffect(() => {
    document.title = `${t('access.sign_in')} · Antiphon`;
  }, [t]);
  useEffect(() => {
    if (error) alert.current?.focus();
  }, [error]);

  const submit = form.onSubmit(async ({ email, password, code }) => {
    setBusy(true);
    setError(null);
    try {
      await signIn(email, password, step === 'password' ? undefined : code);
      const next = address.next?.startsWith('/') && !address.next.startsWith('//') ? address.next : '/';
      await navigate({ to: next, replace: true });
    } catch (caught) {
      form.setFieldValue('code', '');
      if (step === 'password' && isCode(caught, 'second-factor-needed')) setStep('code');
      else setError(caught);
    } finally {
      setBusy(false);
    }
  });
  const wrong = error instanceof Problem && (error.status === 401 || error.status === 429 || error.status === 400);

  return (
    <Gate>
      <form onSubmit={submit} noValidate={false}>
        <Stack gap="md">
          <Title order={1} fz="1.5rem">{t('access.sign_in')}</Title>
          {error !== null && (
            <div ref={alert} tabIndex={-1}>
              {wrong ? (
                <Alert color="red" variant="light" icon={<IconAlert size={18} />} role="alert">{error.message}</Alert>
              ) : (
                <ProblemAlert error={error} />
              )}
            </div>
          )}
          {step === 'password' && (
            <>
              <TextInput
                label={t('access.email')}
                type="email"
                autoComplete="username"
                required
                withAsterisk={false}
                size="md"
                data-autofocus
                autoFocus
                {...form.getInputProps('email')}
              />
              <PasswordInput
                label={t('access.password')}
                autoComplete="current-password"
                required
                withAsterisk={false}
                size="md"
                visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }}
                {...form.getInputProps('password')}
              />
            </>
          )}
          {step === 'code' && (
            <div>
              <Text size="sm" c="dimmed" mb="sm" id="code-lead">{t('access.code_lead')}</Text>
              <PinInput
                length={6}
                type="number"
                oneTimeCode
                autoFocus
                size="lg"
                aria-label={t('access.code')}
                {...form.getInputProps('code')}
                onComplete={() => setTimeout(() => submit())}
              />
            </div>
          )}
          {step === 'recovery' && (
            <TextInput label={t('access.recovery')} autoComplete="off" autoFocus required size="md" {...form.getInputProps('code')} />
          )}
          <Button type="submit" size="md" loading={busy} fullWidth>
            {step === 'password' ? t('access.sign_in') : t('access.continue')}
          </Button>
          {step === 'password' ? (
            <Text size="sm" c="dimmed">{t('access.help')}</Text>
          ) : (
            <Stack gap={6}>
              <Anchor component="button" type="button" size="sm" onClick={() => setStep(step === 'code' ? 'recovery' : 'code')}>
                {step === 'code' ? t('access.use_recovery') : t('access.use_code')}
              </Anchor>
              <Anchor component="button" type="button" size="sm" onClick={() => setStep('password')}>
                {t('access.other_account')}
              </Anchor>
            </Stack>
          )}
        </Stack>
      </form>
    </Gate>
  );
}
