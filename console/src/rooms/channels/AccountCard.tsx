import { Anchor, Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { Mark } from '@/design/Mark';
import { Moment } from '@/design/Moment';
import { faceOf } from './faces';
import type { Health } from './health';
import { HealthMark } from './HealthPanel';
import { senderOf, type Account, type Kind } from './vocabulary';
import styles from './channels.module.css';

interface AccountCardProps {
  account: Account;
  kind: Kind | undefined;
  health: Health | undefined;
  testing: boolean;
  onTest?: () => void;
}

/** One account at a glance; its name opens everything about it. */
export function AccountCard({ account, kind, health, testing, onTest }: AccountCardProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const Face = faceOf(account.channel);
  return (
    <article className={styles.card} aria-label={account.name}>
      <Group wrap="nowrap" gap="sm" align="flex-start">
        <span className={styles.mono} aria-hidden><Face size={18} stroke={1.6} /></span>
        <div style={{ minWidth: 0, flex: 1 }}>
          <Anchor component={Link} to={`/channels/${account.id}`} fw={600} size="sm" style={{ overflowWrap: 'anywhere' }}>{account.name}</Anchor>
          <Text size="xs" c="dimmed">{t(`channels.provider_${account.provider}`, { defaultValue: kind?.title ?? account.provider })}</Text>
        </div>
        {account.enabled && health ? <HealthMark health={health} /> : <Mark colour={account.enabled ? 'teal' : 'gray'}>{t(account.enabled ? 'channels.in_use' : 'channels.off')}</Mark>}
      </Group>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{senderOf(account)}</Text>
      <Group justify="space-between" className={styles.foot} wrap="nowrap">
        <Text size="xs" c="dimmed">{health && health.sent + health.failed > 0 ? t('channels.lately', { sent: format.number(health.sent), failed: format.number(health.failed) }) : <>{t('channels.changed')} <Moment at={account.updated_at} /></>}</Text>
        {onTest && <Button size="compact-xs" variant="light" loading={testing} onClick={onTest} aria-label={t('channels.test_of', { name: account.name })}>{t('channels.test')}</Button>}
      </Group>
    </article>
  );
}
