import { Skeleton, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { currentLanguage } from '@/words';
import { faceOf } from './faces';
import styles from './journeys.module.css';

/** Journeys to start from, in the reader's language. */
export function useTemplates() {
  const language = currentLanguage();
  return useQuery({
    queryKey: ['journey-templates', language],
    queryFn: () => take(api.GET('/v1/journey-templates', { params: { query: { language } } })),
    staleTime: Infinity,
  });
}

/** Journeys to start from, to choose one. */
export function Templates({ onPick, chosen }: { onPick: (name: string) => void; chosen?: string | null }) {
  const { t } = useTranslation();
  const templates = useTemplates();
  return (
    <div className={styles.templates} role="group" aria-label={t('journeys.templates')}>
      {templates.isLoading && Array.from({ length: 4 }, (_, at) => <Skeleton key={at} height={110} />)}
      {(templates.data?.items ?? []).map((one) => {
        const kinds = [...new Set(one.definition.steps?.map((step) => step.kind))].slice(0, 7);
        return (
          <UnstyledButton key={one.name} className={styles.template} aria-pressed={chosen === undefined ? undefined : chosen === one.name} onClick={() => onPick(one.name)}>
            <Text size="sm" fw={600} c="var(--text-strong)">{one.title}</Text>
            <Text size="xs" c="dimmed" style={{ flex: 1 }}>{one.description}</Text>
            <span aria-hidden style={{ display: 'flex', gap: 6, color: 'var(--mantine-color-dimmed)' }}>
              {kinds.map((kind) => {
                const Face = faceOf(kind);
                return <Face key={kind} size={15} stroke={1.6} />;
              })}
            </span>
          </UnstyledButton>
        );
      })}
    </div>
  );
}
