import { ActionIcon, Button, Group, Select, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconPlus, IconTrash } from '@/design/icons';
import { MoneyInput } from '@/design/money';
import { useCountries } from './countries';

/** What a part costs in single countries; elsewhere it is the account's own price. */
export function Prices({ value, onChange }: { value: Record<string, number>; onChange: (value: Record<string, number>) => void }) {
  const { t } = useTranslation();
  const countries = useCountries();
  const [adding, setAdding] = useState<string | null>(null);
  const names = useMemo(() => new Map(countries.map((one) => [one.value, one.label])), [countries]);
  const lines = Object.entries(value);
  return (
    <Stack gap="xs">
      <div>
        <Text size="sm" fw={550}>{t('channels.prices')}</Text>
        <Text size="xs" c="dimmed">{t('channels.prices_hint')}</Text>
      </div>
      {lines.map(([country, micros]) => (
        <Group key={country} gap="xs">
          <Text size="sm" w={190}>{names.get(country) ?? country}</Text>
          <MoneyInput aria-label={t('channels.price_of', { country: names.get(country) ?? country })} w={170} value={micros} onChange={(next) => onChange({ ...value, [country]: next ?? 0 })} />
          <ActionIcon
            variant="subtle"
            color="red"
            size="lg"
            aria-label={t('channels.remove_price', { country: names.get(country) ?? country })}
            onClick={() => onChange(Object.fromEntries(lines.filter(([name]) => name !== country)))}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <Group gap="xs">
        <Select aria-label={t('channels.country')} placeholder={t('channels.country')} w={190} searchable data={countries.filter((one) => !(one.value in value))} value={adding} onChange={setAdding} />
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          disabled={!adding}
          onClick={() => {
            if (adding) onChange({ ...value, [adding]: 0 });
            setAdding(null);
          }}
        >
          {t('channels.add_price')}
        </Button>
      </Group>
    </Stack>
  );
}
