import { Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { NOTHING, useFormat } from '@/design/format';
import { IconSearch } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { useTraits } from '../traits/vocabulary';

/** What is known of this customer, each trait shown as its type. */
export function Traits({ customer }: { customer: Schema<'ProfileShown'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const registry = useTraits();
  const [words, setWords] = useState('');
  const type = (name: string) => registry.data?.find((one) => one.name === name)?.type;
  const shown = (name: string, value: unknown): string => {
    if (value === null || value === undefined) return NOTHING;
    if (typeof value === 'boolean') return value ? t('common.yes') : t('common.no');
    if (typeof value === 'number') return format.number(value);
    if (Array.isArray(value)) return format.list(value.map(String));
    if (typeof value === 'object') return JSON.stringify(value);
    if (type(name) === 'instant') return format.dateTime(String(value));
    return type(name) === 'date' ? format.date(String(value)) : String(value);
  };
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
          <Group key={name} justify="space-between" wrap="nowrap" gap="sm" align="flex-start">
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>{name}</Text>
            <Text size="sm" fw={500} ta="right" style={{ overflowWrap: 'anywhere' }}>{shown(name, value)}</Text>
          </Group>
        ))}
        {all.length === 0 && <Text size="sm" c="dimmed">{t('profiles.no_traits')}</Text>}
      </Stack>
    </Panel>
  );
}
