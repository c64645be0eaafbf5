import { ActionIcon, Autocomplete, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconPlus, IconTrash } from '@/design/icons';
import styles from './forms.module.css';

/** A value as an author gives it: as it is, from what people carry along, or the instant of the step. */
export interface Given {
  value?: unknown;
  path?: string;
  now?: boolean;
}

/** What was typed, as the number or yes-or-no it looks like. */
export function readValue(typed: string): unknown {
  if (typed === '') return null;
  if (typed === 'true' || typed === 'false') return typed === 'true';
  return /^-?\d+(\.\d+)?$/.test(typed) && typed.length < 16 ? Number(typed) : typed;
}

const shown = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

const PATH = 'entry.order_id';

interface GivensProps {
  label: string;
  /** What a name is here: a trait, a property. */
  name: string;
  names?: string[];
  value: Record<string, Given>;
  onChange: (value: Record<string, Given>) => void;
}

/** Names and where their values come from. A name is taken over when its field is left, so that half a name is never one. */
export function Givens({ label, name, names, value, onChange }: GivensProps) {
  const { t } = useTranslation();
  const [adding, setAdding] = useState('');
  const rows = Object.entries(value);
  const put = (key: string, given: Given) => onChange({ ...value, [key]: given });
  const add = () => {
    const key = adding.trim();
    if (key && !(key in value)) put(key, { value: '' });
    setAdding('');
  };
  return (
    <Stack gap="xs" role="group" aria-label={label}>
      <Text size="sm" fw={550}>{label}</Text>
      {rows.map(([key, given]) => {
        const how = given.now ? 'now' : given.path ? 'path' : given.path === '' && given.value === undefined ? 'path' : 'value';
        return (
          <Stack key={key} gap={6} className={styles.way}>
            <Group justify="space-between" wrap="nowrap">
              <Text size="sm" fw={600}>{key}</Text>
              <ActionIcon variant="subtle" color="red" aria-label={t('steps.field.remove', { way: key })} onClick={() => onChange(Object.fromEntries(rows.filter(([one]) => one !== key)))}><IconTrash size={15} /></ActionIcon>
            </Group>
            <div className={styles.given}>
              <Select
                size="xs"
                aria-label={t('steps.field.source_of', { name: key })}
                allowDeselect={false}
                data={(['value', 'path', 'now'] as const).map((one) => ({ value: one, label: t(`steps.field.given_${one}`) }))}
                value={how}
                onChange={(next) => put(key, next === 'now' ? { now: true } : next === 'path' ? { path: '' } : { value: '' })}
              />
              {how === 'value' && <TextInput size="xs" aria-label={t('steps.field.value_of', { name: key })} placeholder={t('steps.field.nothing')} value={shown(given.value)} onChange={(event) => put(key, { value: readValue(event.currentTarget.value) })} />}
              {how === 'path' && <TextInput size="xs" aria-label={t('steps.field.value_of', { name: key })} placeholder={PATH} value={given.path ?? ''} onChange={(event) => put(key, { path: event.currentTarget.value })} />}
            </div>
          </Stack>
        );
      })}
      <Group gap={6} wrap="nowrap" align="flex-end">
        <Autocomplete size="xs" style={{ flex: 1 }} label={name} data={names} value={adding} onChange={setAdding} onKeyDown={(event) => event.key === 'Enter' && add()} />
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} disabled={!adding.trim()} onClick={add}>{t('steps.field.add')}</Button>
      </Group>
    </Stack>
  );
}
