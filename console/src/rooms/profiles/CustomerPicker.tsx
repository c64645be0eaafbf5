import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';

interface CustomerPickerProps extends Pick<SelectProps, 'w' | 'description'> {
  label: string;
  hideLabel?: boolean;
  value: number | null;
  onChange: (id: number | null) => void;
}

/** Chooses one customer by typing a name, an address or an id. */
export function CustomerPicker({ label, hideLabel, value, onChange, ...rest }: CustomerPickerProps) {
  const { t } = useTranslation();
  const may = useMay('profiles:read');
  const [typed, setTyped] = useState('');
  const [words] = useDebouncedValue(typed, 250);
  const [chosen, setChosen] = useState<{ value: string; label: string } | null>(null);
  const found = useQuery({
    queryKey: ['customer-picker', words],
    queryFn: () => take(api.GET('/v1/profiles', { params: { query: { q: words || undefined, limit: 15 } } })),
    placeholderData: keepPreviousData,
    enabled: may,
  });
  const options = (found.data?.items ?? []).map((one) => ({
    value: String(one.id),
    label: one.name || one.email || one.user_id || t('profiles.unnamed', { id: one.id }),
  }));
  const data = chosen && !options.some((one) => one.value === chosen.value) ? [chosen, ...options] : options;
  return (
    <Select
      {...rest}
      label={hideLabel ? undefined : label}
      aria-label={hideLabel ? label : undefined}
      placeholder={label}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      data={data}
      filter={({ options: all }) => all}
      searchValue={typed}
      onSearchChange={setTyped}
      value={value === null ? null : String(value)}
      onChange={(id) => {
        setChosen(options.find((one) => one.value === id) ?? null);
        onChange(id === null ? null : Number(id));
      }}
      nothingFoundMessage={t('profiles.none_found')}
    />
  );
}
