import { Box, Group, SegmentedControl, Skeleton, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useFormat } from '@/design/format';
import { ProblemAlert } from '@/design/ProblemAlert';
import { CustomerPicker } from '../profiles/CustomerPicker';
import { useCarrier } from './carrier';
import { askOf, type Draft } from './draft';
import { MailFrame } from './MailFrame';
import styles from './content.module.css';

type Width = 'wide' | 'phone' | 'text';

/** The message as a chosen customer would get it. The frame runs no scripts and the server has cleaned the HTML. */
export function Preview({ draft }: { draft: Draft }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [width, setWidth] = useState<Width>('wide');
  const [profile, setProfile] = useState<number | null>(null);
  const [source] = useDebouncedValue(askOf(draft), 450);
  const preview = useQuery({
    queryKey: ['template-preview', source, profile],
    queryFn: () => take(api.POST('/v1/templates/preview', { body: { ...source, profile_id: profile } })),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const carrier = useCarrier(draft.channel);
  const shown = preview.data;
  return (
    <Box className={styles.preview}>
      <Group justify="space-between" gap="xs" p="sm" className={styles.bar}>
        <CustomerPicker label={t('content.as_customer')} hideLabel value={profile} onChange={setProfile} w={230} />
        {carrier.html && (
          <SegmentedControl
            size="xs"
            value={width}
            onChange={(next) => setWidth(next as Width)}
            data={(['wide', 'phone', 'text'] as const).map((one) => ({ value: one, label: t(`content.width_${one}`) }))}
            aria-label={t('content.preview')}
          />
        )}
      </Group>
      {preview.error && <Box p="sm"><ProblemAlert error={preview.error} /></Box>}
      {preview.isLoading && <Skeleton height={420} m="sm" w="auto" />}
      {shown && (
        <>
          <Box px="md" py="xs" className={styles.bar}>
            {carrier.subject && <Text fw={600} size="sm" data-testid="preview-subject">{shown.subject || t('content.no_subject')}</Text>}
            {shown.parts ? (
              <Text size="xs" fw={shown.parts.parts > 1 ? 600 : 400} c={shown.parts.parts > 1 ? undefined : 'dimmed'} data-testid="preview-parts">
                {t('content.parts', { count: shown.parts.parts })} · {t('content.left', { left: shown.parts.left, room: shown.parts.per_part })}
              </Text>
            ) : (
              <Text size="xs" c="dimmed">{t('content.size', { size: format.bytes(shown.size) })}</Text>
            )}
          </Box>
          {width === 'text' || shown.html === null || !carrier.html ? (
            <Box component="pre" className={styles.plain} tabIndex={0}>{shown.text}</Box>
          ) : (
            <MailFrame html={shown.html} phone={width === 'phone'} />
          )}
        </>
      )}
    </Box>
  );
}
