import { Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { IconBolt, IconSearch } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { TraitHistory } from '../traits/TraitHistory';
import { useTraits, useValueTold } from '../traits/vocabulary';

/** What is known of this customer, each trait shown as its type; each opens what was said of it before. */
export function Traits({ customer }: { customer: Schema<'ProfileShown'> }) {
  const { t } = useTranslation();
  const told = useValueTold();
  const registry = useTraits();
  const [words, setWords] = useState('');
  const [open, setOpen] = useState<string | null>(null);
  const about = (name: string) => registry.data?.find((one) => one.name === name);
  const hidden = new Set(customer.hidden);
  const all = Object.entries(customer.traits).sort(([one], [other]) => one.localeCompare(other));
  const some = all.filter(([name]) => name.toLowerCase().includes(words.toLowerCase()));
  return (
    <Panel title={t('profiles.traits')} hint={all.length > 0 ? t('profiles.traits_hint') : undefined}>
      {all.length > 8 && (
        <TextInput
          size="xs"
          mb="sm"
          leftSection={<IconSearch size={14} />}
          aria-label={t('profiles.find_trait')}
          placeholder={t('profiles.find_trait')}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
      )}
      <Stack gap={9}>
        {some.map(([name, value]) => (
          <UnstyledButton key={name} onClick={() => setOpen(name)} title={t('traits.history_of', { name })}>
            <Group justify="space-between" wrap="nowrap" gap="sm" align="flex-start">
              <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {name}
                {about(name)?.computed && <IconBolt size={12} role="img" aria-label={t('traits.is_computed')} style={{ marginInlineStart: 4 }} />}
              </Text>
              <Text size="sm" fw={500} ta="right" style={{ overflowWrap: 'anywhere' }}>
                {hidden.has(name) ? t('traits.hidden_short') : told(value, about(name)?.type)}
              </Text>
            </Group>
          </UnstyledButton>
        ))}
        {all.length === 0 && <Text size="sm" c="dimmed">{t('profiles.no_traits')}</Text>}
      </Stack>
      {open && <TraitHistory customer={customer} name={open} onClose={() => setOpen(null)} />}
    </Panel>
  );
}
