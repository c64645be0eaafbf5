import { Group, Switch, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconSearch } from './icons';

interface FindBarProps {
  address: { q?: string; archived?: string };
  change: (next: { q?: string | null; archived?: string | null }) => void;
  /** The switch that shows what was archived instead. */
  archivedLabel: string;
  children?: ReactNode;
}

/** Above a list: a search by name, further filters, and whether to show what was archived. All of it stays in the address. */
export function FindBar({ address, change, archivedLabel, children }: FindBarProps) {
  const { t } = useTranslation();
  const typing = useDebouncedCallback((q: string) => change({ q }), 300);
  return (
    <Group mb="md">
      <TextInput
        aria-label={t('common.search')}
        placeholder={t('common.search')}
        leftSection={<IconSearch size={15} />}
        defaultValue={address.q ?? ''}
        onChange={(event) => typing(event.currentTarget.value)}
        w={260}
      />
      {children}
      <Switch label={archivedLabel} checked={address.archived === '1'} onChange={(event) => change({ archived: event.currentTarget.checked ? '1' : null })} />
    </Group>
  );
}
