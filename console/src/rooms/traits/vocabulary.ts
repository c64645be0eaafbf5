import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { NOTHING, useFormat } from '@/design/format';

/** Every trait customers have, for builders and pickers. */
export function useTraits() {
  return useQuery({
    queryKey: ['traits'],
    queryFn: async () => (await take(api.GET('/v1/traits'))).items,
    staleTime: 60_000,
  });
}

/** A trait's value in the reader's language, by its type where that is known. */
export function useValueTold(): (value: unknown, type?: Schema<'Trait'>['type']) => string {
  const { t } = useTranslation();
  const format = useFormat();
  return (value, type) => {
    if (value === null || value === undefined) return NOTHING;
    if (typeof value === 'boolean') return value ? t('common.yes') : t('common.no');
    if (typeof value === 'number') return format.number(value);
    if (Array.isArray(value)) return format.list(value.map(String));
    if (typeof value === 'object') return JSON.stringify(value);
    if (type === 'instant') return format.dateTime(String(value));
    return type === 'date' ? format.date(String(value)) : String(value);
  };
}
