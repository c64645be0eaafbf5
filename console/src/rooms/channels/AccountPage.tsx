import { Button, Menu, SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { IconDots, IconPlug } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Slow } from '@/design/Slow';
import { done, failed } from '@/design/toast';
import { useId } from '@/shell/address';
import { AccountForm } from './AccountForm';
import { Callbacks } from './Callbacks';
import { DkimPanel } from './DkimPanel';
import { useHealth } from './health';
import { HealthPanel } from './HealthPanel';
import { Abilities } from './ProviderGallery';
import { TermsPanel } from './TermsPanel';
import { Trial } from './Trial';
import { useChannelTitle, useKinds } from './vocabulary';

/** One account: its settings, a test of them, and where its provider reports to. */
export default function AccountPage() {
  const { t } = useTranslation();
  const id = useId();
  const client = useQueryClient();
  const navigate = useNavigate();
  const may = useMay('channels:write');
  const title = useChannelTitle();
  const kinds = useKinds();
  const [dialog, ask] = useConfirm();
  const path = { params: { path: { account_id: id } } };
  const stored = useQuery({ queryKey: ['channels', 'account', id], queryFn: () => take(api.GET('/v1/channels/{account_id}', path)) });
  const health = useHealth().data?.find((one) => one.account_id === id);
  const account = stored.data;
  const kind = kinds.data?.find((one) => one.name === account?.provider);
  const trial = useMutation({ mutationFn: () => take(api.POST('/v1/channels/{account_id}/test', path)), onError: failed });
  const turn = useMutation({
    mutationFn: (enabled: boolean) => {
      if (!account) throw new Error('not read yet');
      return take(api.PUT('/v1/channels/{account_id}', { ...path, body: { name: account.name, settings: account.settings, enabled } }));
    },
    onSuccess: (saved, enabled) => {
      void client.invalidateQueries({ queryKey: ['channels'] });
      done(t(enabled ? 'channels.turned_on' : 'channels.turned_off', { name: saved.name }), () => turn.mutate(!enabled));
    },
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: () => take(api.DELETE('/v1/channels/{account_id}', path)),
    onSuccess: () => {
      done(t('channels.removed'));
      void client.invalidateQueries({ queryKey: ['channels'] });
      void navigate({ to: '/channels' });
    },
    onError: failed,
  });
  const confirm = async () => {
    const yes = await ask({ title: t('channels.remove_title', { name: account?.name }), body: t('channels.remove_body'), confirm: t('common.remove'), danger: true });
    if (yes) remove.mutate();
  };
  const actions = account && may && (
    <>
      <Button leftSection={<IconPlug size={16} />} loading={trial.isPending} onClick={() => trial.mutate()}>{t('channels.test')}</Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px={8} aria-label={t('common.actions')}><IconDots size={16} /></Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => turn.mutate(!account.enabled)}>{t(account.enabled ? 'channels.turn_off' : 'channels.turn_on')}</Menu.Item>
          <Menu.Item color="red" onClick={() => void confirm()}>{t('common.remove')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
  return (
    <Page
      title={account?.name ?? t('channels.account')}
      back={{ to: '/channels', label: t('nav.channels') }}
      lead={account && kind && `${title(account.channel)} · ${t(`channels.provider_${kind.name}`, { defaultValue: kind.title })}`}
      badge={account && <Mark size="lg" colour={account.enabled ? 'teal' : 'gray'}>{t(account.enabled ? 'channels.in_use' : 'channels.off')}</Mark>}
      actions={actions}
    >
      <ProblemAlert error={stored.error ?? kinds.error} onRetry={() => void stored.refetch()} />
      {(stored.isLoading || kinds.isLoading) && <Skeleton height={320} />}
      {account && kind && (
        <Stack>
          <Slow busy={trial.isPending} label={t('channels.testing')} />
          {trial.data && <Trial name={account.name} trial={trial.data} onClose={trial.reset} />}
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md" style={{ alignItems: 'start' }}>
            <Panel title={t('channels.settings')} hint={t('channels.settings_hint')}>
              <AccountForm key={account.updated_at} kind={kind} account={account} readOnly={!may} onSaved={() => trial.reset()} />
            </Panel>
            <Stack>
              {health && <HealthPanel health={health} />}
              {health && <TermsPanel health={health} />}
              {account.channel === 'email' && <DkimPanel account={account.id} />}
              <Panel title={t('channels.abilities')} hint={t('channels.abilities_hint')}><Abilities kind={kind} /></Panel>
              {kind.capabilities.receipts && <Callbacks account={account} />}
            </Stack>
          </SimpleGrid>
        </Stack>
      )}
      {dialog}
    </Page>
  );
}
