import { MultiSelect, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';

const NONE: Schema<'SegmentItem'>[] = [];

/** The segments in force, asked for once for all who choose or name them. */
export function useSegmentList(): Schema<'SegmentItem'>[] {
  const list = useQuery({
    queryKey: ['segments', 'options'],
    queryFn: () => take(api.GET('/v1/segments', { params: { query: { limit: 500 } } })),
    staleTime: 15_000,
  });
  return list.data?.items ?? NONE;
}

function useOptions() {
  const format = useFormat();
  return useSegmentList().map((one) => ({ value: String(one.id), label: `${one.name} · ${format.number(one.size)}` }));
}

interface SegmentPickerProps {
  label: string;
  hideLabel?: boolean;
  description?: string;
  value: number | null;
  onChange: (id: number | null) => void;
}

/** Chooses a segment by name; its size stands beside it. */
export function SegmentPicker({ label, hideLabel, description, value, onChange }: SegmentPickerProps) {
  const { t } = useTranslation();
  return (
    <Select
      label={hideLabel ? undefined : label}
      aria-label={hideLabel ? label : undefined}
      description={description}
      placeholder={t('segments.pick_segment')}
      searchable
      data={useOptions()}
      value={value === null ? null : String(value)}
      onChange={(id) => onChange(id === null ? null : Number(id))}
      miw={220}
    />
  );
}

interface SegmentsPickerProps {
  label: string;
  description?: string;
  value: number[];
  onChange: (ids: number[]) => void;
}

/** Chooses any number of segments. */
export function SegmentsPicker({ label, description, value, onChange }: SegmentsPickerProps) {
  const { t } = useTranslation();
  return (
    <MultiSelect
      label={label}
      description={description}
      placeholder={value.length === 0 ? t('segments.pick_segment') : undefined}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      data={useOptions()}
      value={value.map(String)}
      onChange={(ids) => onChange(ids.map(Number))}
    />
  );
}
