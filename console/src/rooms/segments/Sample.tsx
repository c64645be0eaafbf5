import { Anchor, Avatar, Button, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';

interface SampleProps {
  cards: Schema<'CustomerCard'>[];
  onWhy?: (profile: { id: number; name: string }) => void;
}

/** Some customers by name, each with the way to their page and, where it can be asked, to the reason. */
export function Sample({ cards, onWhy }: SampleProps) {
  const { t } = useTranslation();
  return (
    <Stack gap={8}>
      {cards.map((card) => {
        const name = card.name || t('profiles.unnamed', { id: card.id });
        return (
          <Group key={card.id} gap="sm" wrap="nowrap">
            <Avatar size={26} radius="xl" name={card.name || '?'} color="initials" aria-hidden />
            <Anchor component={Link} to={`/customers/${card.id}`} size="sm" target="_blank" truncate style={{ flex: 1 }}>{name}</Anchor>
            {onWhy && (
              <Button size="compact-xs" variant="subtle" aria-label={`${t('segments.why')} ${name}`} onClick={() => onWhy({ id: card.id, name })}>
                {t('segments.why')}
              </Button>
            )}
          </Group>
        );
      })}
      {cards.length === 0 && <Text size="sm" c="dimmed">{t('sets.nobody')}</Text>}
    </Stack>
  );
}
