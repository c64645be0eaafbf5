import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';

/** A reason's short title in the reader's language; the server's own words where the catalogue has none. */
export function useReasonTitle(): (code: string, fallback: string) => string {
  const { t } = useTranslation();
  return useCallback((code, fallback) => t(`reason.${code}`, { defaultValue: fallback }), [t]);
}
