import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';

const MICROS = 1_000_000;

/** The installation's one currency. */
export function useCurrency(): string {
  const may = useMay('settings:read');
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => take(api.GET('/v1/settings')), enabled: may, staleTime: 300_000 });
  const said = settings.data?.settings.find((one) => one.name === 'currency')?.value;
  return typeof said === 'string' && said ? said : 'EUR';
}

/** Writes sums, given in millionths, in the reader's language; a price smaller than a cent keeps its digits. */
export function useMoney(): (micros: number | null | undefined) => string {
  const { i18n } = useTranslation();
  const currency = useCurrency();
  return useMemo(() => {
    const usual = new Intl.NumberFormat(i18n.language, { style: 'currency', currency });
    const fine = new Intl.NumberFormat(i18n.language, { style: 'currency', currency, maximumFractionDigits: 6 });
    return (micros) => {
      if (micros === null || micros === undefined) return '—';
      return (micros % 10_000 === 0 || Math.abs(micros) >= 100 * MICROS ? usual : fine).format(micros / MICROS);
    };
  }, [i18n.language, currency]);
}

interface MoneyInputProps extends Pick<NumberInputProps, 'label' | 'description' | 'required' | 'w' | 'placeholder' | 'aria-label' | 'error' | 'size'> {
  value: number | null;
  onChange: (micros: number | null) => void;
}

/** A sum, typed in whole units of the currency. */
export function MoneyInput({ value, onChange, ...rest }: MoneyInputProps) {
  const currency = useCurrency();
  return (
    <NumberInput
      {...rest}
      min={0}
      decimalScale={6}
      thousandSeparator=" "
      suffix={` ${currency}`}
      value={value === null ? '' : value / MICROS}
      onChange={(typed) => onChange(typed === '' ? null : Math.round(Number(typed) * MICROS))}
    />
  );
}
