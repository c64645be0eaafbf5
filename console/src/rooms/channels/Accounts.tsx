import { Button, Group, Skeleton, Stack, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { EmptyState } from '@/design/EmptyState';
import { IconPlug, IconPlus } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Slow } from '@/design/Slow';
import { failed } from '@/design/toast';
import { AccountCard } from './AccountCard';
import { useHealth } from './health';
import { Trial } from './Trial';
import { useAccounts, useChannelTitle, useKinds, type Account } from './vocabulary';
import styles from './channels.module.css';

/** The accounts messages leave through, by channel; each can be tested where it stands. */
export function Accounts({ onAdd }: { onAdd: () => void }) {
  const { t } = useTranslation();
  const may = useMay('channels:write');
  const kinds = useKinds();
  const accounts = useAccounts();
  const title = useChannelTitle();
  const health = useHealth().data;
  const trial = useMutation({
    mutationFn: (one: Account) => take(api.POST('/v1/channels/{account_id}/test', { params: { path: { account_id: one.id } } })),
    onError: failed,
  });
  if (accounts.error ?? kinds.error) return <ProblemAlert error={accounts.error ?? kinds.error} onRetry={() => void accounts.refetch()} />;
  if (!accounts.data || !kinds.data) return <Skeleton height={220} />;
  if (accounts.data.length === 0) {
    return (
      <EmptyState icon={IconPlug} title={t('channels.empty')} action={may && <Button leftSection={<IconPlus size={16} />} onClick={onAdd}>{t('channels.new')}</Button>}>
        {t('channels.empty_hint')}
      </EmptyState>
    );
  }
  const order = [...new Set(kinds.data.map((kind) => kind.channel))];
  const channels = order.filter((channel) => accounts.data.some((one) => one.channel === channel));
  return (
    <Stack gap="xl">
      <Slow busy={trial.isPending} label={t('channels.testing')} />
      {trial.data && trial.variables && <Trial name={trial.variables.name} trial={trial.data} onClose={trial.reset} />}
      {channels.map((channel) => (
        <section key={channel} aria-label={title(channel)}>
          <Group gap="xs" mb="sm"><Title order={2}>{title(channel)}</Title></Group>
          <div className={styles.grid}>
            {accounts.data.filter((one) => one.channel === channel).map((one) => (
              <AccountCard
                key={one.id}
                account={one}
                kind={kinds.data.find((kind) => kind.name === one.provider)}
                health={health?.find((other) => other.account_id === one.id)}
                testing={trial.isPending && trial.variables.id === one.id}
                onTest={may ? () => trial.mutate(one) : undefined}
              />
            ))}
          </div>
        </section>
      ))}
    </Stack>
  );
}
