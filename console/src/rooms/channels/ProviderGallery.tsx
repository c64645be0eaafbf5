import { Group, Stack, Text, Title, UnstyledButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Mark } from '@/design/Mark';
import { faceOf } from './faces';
import { useChannelTitle, type Kind } from './vocabulary';
import styles from './channels.module.css';

const ABILITIES = ['receipts', 'two_way', 'media', 'opens', 'clicks', 'needs_link'] as const;

/** What a provider can do, in small words. */
export function Abilities({ kind }: { kind: Kind }) {
  const { t } = useTranslation();
  const able = ABILITIES.filter((one) => kind.capabilities[one]);
  return (
    <Group gap={4}>
      {able.map((one) => <Mark key={one} colour="gray" size="sm">{t(`channels.can_${one}`)}</Mark>)}
      {kind.capabilities.max_length && <Mark colour="gray" size="sm">{t('channels.can_max_length', { count: kind.capabilities.max_length })}</Mark>}
    </Group>
  );
}

/** Every provider there is, by channel; choosing one opens its form. */
export function ProviderGallery({ kinds, onPick }: { kinds: Kind[]; onPick: (kind: Kind) => void }) {
  const { t } = useTranslation();
  const title = useChannelTitle();
  const channels = [...new Set(kinds.map((one) => one.channel))];
  return (
    <Stack gap="lg">
      <Text size="sm" c="dimmed">{t('channels.pick_hint')}</Text>
      {channels.map((channel) => {
        const Face = faceOf(channel);
        return (
          <section key={channel} aria-label={title(channel)}>
            <Title order={3} mb="xs">{title(channel)}</Title>
            <div className={styles.grid}>
              {kinds.filter((one) => one.channel === channel).map((kind) => (
                <UnstyledButton key={kind.name} className={`${styles.card} ${styles.pick}`} onClick={() => onPick(kind)}>
                  <Group wrap="nowrap" gap="sm">
                    <span className={styles.mono} aria-hidden><Face size={18} stroke={1.6} /></span>
                    <div>
                      <Text size="sm" fw={600}>{t(`channels.provider_${kind.name}`, { defaultValue: kind.title })}</Text>
                      <Text size="xs" c="dimmed">{t(`channels.about_${kind.name}`, { defaultValue: t('channels.about_package') })}</Text>
                    </div>
                  </Group>
                  <Abilities kind={kind} />
                </UnstyledButton>
              ))}
            </div>
          </section>
        );
      })}
    </Stack>
  );
}
