import { Select } from '@mantine/core';

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

/** A time zone by its name in the tz database. */
export function ZonePick({ label, value, onChange, w = 230 }: { label: string; value: string; onChange: (zone: string) => void; w?: number }) {
  const data = ZONES.includes(value) ? ZONES : [value, ...ZONES];
  return <Select label={label} w={w} maw="100%" searchable allowDeselect={false} limit={60} data={data} value={value} onChange={(zone) => zone && onChange(zone)} />;
}
