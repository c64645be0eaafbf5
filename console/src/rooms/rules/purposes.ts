import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useQuery } from '@tanstack/react-query';
import { api, take } from '@/api/client';

/** What messages may be for, and how channels suit it. */
export function useSuitability() {
  return useQuery({ queryKey: ['suitability'], queryFn: () => take(api.GET('/v1/delivery/suitability')), staleTime: 60_000 });
}

/** A purpose in the reader's language; one that people named, as they named it. */
export function usePurposeTitle(): (name: string) => string {
  const { t } = useTranslation();
  const purposes = useSuitability().data?.purposes;
  return useCallback(
    (name) => {
      const purpose = purposes?.find((one) => one.name === name);
      return purpose?.renamed ? purpose.title : t(`purpose.${name}`, { defaultValue: purpose?.title ?? name });
    },
    [t, purposes],
  );
}

/** The purposes a message can be given, and the one it has. */
export function usePurposeOptions(chosen: string) {
  const title = usePurposeTitle();
  const purposes = useSuitability().data?.purposes ?? [];
  return purposes.filter((one) => !one.archived_at || one.name === chosen).map((one) => ({ value: one.name, label: title(one.name) }));
}
