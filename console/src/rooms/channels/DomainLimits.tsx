import { ActionIcon, Button, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconPlus, IconTrash } from '@/design/icons';
import type { Terms } from './health';

type Limit = Terms['domains'][number];
const numberOf = (typed: string | number) => (typed === '' ? null : Number(typed));

/** How fast to single recipient domains; a star is every domain that has no line of its own. */
export function DomainLimits({ value, onChange }: { value: Limit[]; onChange: (value: Limit[]) => void }) {
  const { t } = useTranslation();
  const put = (place: number, part: Partial<Limit>) => onChange(value.map((one, at) => (at === place ? { ...one, ...part } : one)));
  const named = (label: string, place: number) => (place === 0 ? { label } : { 'aria-label': label }); // the first line heads its columns
  return (
    <Stack gap="xs">
      <div>
        <Text size="sm" fw={550}>{t('channels.domains')}</Text>
        <Text size="xs" c="dimmed">{t('channels.domains_hint')}</Text>
      </div>
      {value.map((limit, place) => (
        <Group key={place} gap="xs" align="flex-end">
          <TextInput {...named(t('channels.domain'), place)} w={140} required value={limit.domain} onChange={(event) => put(place, { domain: event.currentTarget.value.trim().toLowerCase() })} />
          <NumberInput {...named(t('channels.per_second'), place)} w={98} min={0} decimalScale={2} value={limit.per_second ?? ''} onChange={(typed) => put(place, { per_second: numberOf(typed) })} />
          <NumberInput {...named(t('channels.per_day'), place)} w={98} min={0} allowDecimal={false} value={limit.per_day ?? ''} onChange={(typed) => put(place, { per_day: numberOf(typed) })} />
          <NumberInput {...named(t('channels.concurrent'), place)} w={98} min={1} allowDecimal={false} value={limit.concurrent ?? ''} onChange={(typed) => put(place, { concurrent: numberOf(typed) })} />
          <ActionIcon variant="subtle" color="red" size="lg" aria-label={t('channels.remove_domain', { domain: limit.domain })} onClick={() => onChange(value.toSpliced(place, 1))}><IconTrash size={16} /></ActionIcon>
        </Group>
      ))}
      <Button size="xs" variant="default" w="fit-content" leftSection={<IconPlus size={14} />} onClick={() => onChange([...value, { domain: value.length === 0 ? '*' : '', per_second: null, per_day: null, concurrent: null }])}>
        {t('channels.add_domain')}
      </Button>
    </Stack>
  );
}
