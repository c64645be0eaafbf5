import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { NOTHING } from '@/design/format';
import type { MetricResult } from './draft';

export interface Figures {
  /** A value of a metric: a share as percent, anything else as a number. */
  value: (metric: MetricResult, value: number | null | undefined, sign?: boolean) => string;
  /** A difference of shares is of percentage points. */
  difference: (metric: MetricResult, value: number | null | undefined) => string;
  share: (value: number | null | undefined, sign?: boolean) => string;
  chance: (p: number | null | undefined) => string;
}

/** Figures of experiments in the reader's language: signs where they are differences, as many digits as tell something. */
export function useFigures(): Figures {
  const { t, i18n } = useTranslation();
  return useMemo(() => {
    const made = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(i18n.language, options);
    const plain = made({ maximumSignificantDigits: 4 });
    const signed = made({ maximumSignificantDigits: 3, signDisplay: 'exceptZero' });
    const percent = made({ style: 'percent', maximumFractionDigits: 2 });
    const change = made({ style: 'percent', maximumFractionDigits: 1, signDisplay: 'exceptZero' });
    const points = made({ maximumFractionDigits: 2, signDisplay: 'exceptZero' });
    const chance = made({ maximumSignificantDigits: 2 });
    const known = (value: number | null | undefined): value is number => value !== null && value !== undefined;
    return {
      value: (metric, value) => (known(value) ? (metric.kind === 'conversion' ? percent : plain).format(value) : NOTHING),
      difference: (metric, value) => (known(value) ? (metric.kind === 'conversion' ? t('experiments.points', { value: points.format(100 * value) }) : signed.format(value)) : NOTHING),
      share: (value, sign = true) => (known(value) ? (sign ? change : percent).format(value) : NOTHING),
      chance: (p) => (known(p) ? (p < 0.001 ? `< ${chance.format(0.001)}` : chance.format(p)) : NOTHING),
    };
  }, [i18n.language, t]);
}
