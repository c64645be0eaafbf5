import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

export interface Format {
  number(value: number | null | undefined): string;
  compact(value: number): string;
  percent(part: number, whole: number): string;
  dateTime(value: string | null | undefined): string;
  date(value: string | null | undefined): string;
  time(value: string | null | undefined): string;
  exact(value: string | null | undefined): string;
  ago(value: string, now?: number): string;
  bytes(value: number): string;
  list(values: string[]): string;
}

export const NOTHING = '—';
/** A day of the calendar, which is the same day wherever it is read. */
const DAY = /^\d{4}-\d\d-\d\d$/;

/** Numbers, instants and spans in the reader's language; every figure on a page goes through here. */
export function formatFor(language: string): Format {
  const number = new Intl.NumberFormat(language);
  const compact = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' });
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const list = new Intl.ListFormat(language, { type: 'conjunction' });
  const at = (form: Intl.DateTimeFormat) => (value: string | null | undefined) =>
    value ? form.format(new Date(value)) : NOTHING;
  return {
    number: (value) => (value === null || value === undefined ? NOTHING : number.format(value)),
    compact: (value) => compact.format(value),
    percent: (part, whole) => (whole > 0 ? percent.format(part / whole) : NOTHING),
    dateTime: at(dateTime),
    date: (value) => at(value && DAY.test(value) ? day : date)(value),
    time: at(time),
    exact: at(exact),
    ago(value, now = Date.now()) {
      const seconds = (new Date(value).getTime() - now) / 1000;
      const [unit, size] = UNITS.find(([, span]) => Math.abs(seconds) >= span) ?? ['second', 1];
      return relative.format(Math.trunc(seconds / size), unit);
    },
    bytes(value) {
      const power = Math.min(3, Math.floor(Math.log(Math.max(value, 1)) / Math.log(1000)));
      const unit = ['byte', 'kilobyte', 'megabyte', 'gigabyte'][power];
      return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(
        value / 1000 ** power,
      );
    },
    list: (values) => list.format(values),
  };
}

export function useFormat(): Format {
  const { i18n } = useTranslation();
  return useMemo(() => formatFor(i18n.language), [i18n.language]);
}
