import { Alert, Button, Code, Group, Image, PasswordInput, PinInput, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { IconShield } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { Mark } from '@/design/Mark';

/** Switching the second factor on (password, picture, first code, recovery codes) and off (password). */
export function SecondFactor({ on }: { on: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [password, setPassword] = useState('');
  const refresh = () => client.invalidateQueries({ queryKey: ['session'] });
  const enrol = useMutation({
    mutationFn: () => take(api.POST('/v1/totp', { body: { password } })),
    onSettled: () => setPassword(''),
  });
  const confirm = useMutation({
    mutationFn: (code: string) => take(api.POST('/v1/totp/confirm', { body: { code } })),
  });
  const disable = useMutation({
    mutationFn: () => take(api.POST('/v1/totp/disable', { body: { password } })),
    onSuccess: () => {
      done(t('account.factor_off_done'));
      void refresh();
    },
    onSettled: () => setPassword(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (on) disable.mutate();
    else enrol.mutate();
  };

  const codes = confirm.data?.recovery_codes;
  return (
    <Panel
      title={<Group gap="xs">{t('account.factor')}<Mark colour={on ? 'teal' : 'gray'}>{on ? t('settings.on') : t('settings.off')}</Mark></Group>}
      hint={t('account.factor_hint')}
    >
      <Stack gap="sm">
        <ProblemAlert error={enrol.error ?? confirm.error ?? disable.error} />
        {codes ? (
          <Alert color="teal" icon={<IconShield size={18} />} title={t('account.factor_on_done')}>
            <Text size="sm" mb="xs">{t('account.recovery_hint')}</Text>
            <SimpleGrid cols={2} spacing={4} data-testid="recovery-codes">
              {codes.map((code) => <Code key={code}>{code}</Code>)}
            </SimpleGrid>
            <Button mt="sm" size="xs" onClick={() => { confirm.reset(); enrol.reset(); void refresh(); }}>
              {t('account.recovery_kept')}
            </Button>
          </Alert>
        ) : enrol.data ? (
          <Group align="flex-start" wrap="wrap">
            <Image
              src={`data:image/svg+xml;utf8,${encodeURIComponent(enrol.data.qr_svg)}`}
              w={168}
              h={168}
              bg="white"
              p={6}
              radius="md"
              alt={t('account.qr')}
            />
            <Stack gap="xs" flex={1} miw={200}>
              <Text size="sm">{t('account.scan')}</Text>
              <Code data-testid="totp-secret" style={{ wordBreak: 'break-all' }}>{enrol.data.secret}</Code>
              <Text size="sm" fw={550}>{t('access.code')}</Text>
              <PinInput length={6} type="number" oneTimeCode aria-label={t('access.code')} onComplete={(code) => confirm.mutate(code)} />
            </Stack>
          </Group>
        ) : (
          <form onSubmit={submit}>
            <Group align="flex-end">
              <PasswordInput
                label={t('account.present')}
                autoComplete="current-password"
                required
                flex={1}
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
                visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }}
              />
              <Button type="submit" variant={on ? 'default' : 'filled'} loading={enrol.isPending || disable.isPending}>
                {on ? t('account.factor_disable') : t('account.factor_enable')}
              </Button>
            </Group>
          </form>
        )}
      </Stack>
    </Panel>
  );
}
