import { Anchor, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { NOTHING } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { isWhole, type Definition } from './definition';
import { useValueTold } from './vocabulary';

/** What some customers who did it lately would have, worked out from all of their history. */
export function ComputedPreview({ definition }: { definition: Definition }) {
  const { t } = useTranslation();
  const told = useValueTold();
  const [wanted] = useDebouncedValue(definition, 400);
  const whole = isWhole(wanted);
  const preview = useQuery({
    queryKey: ['computed-preview', wanted],
    queryFn: () => take(api.POST('/v1/computed-traits/preview', { body: { definition: wanted } })),
    enabled: whole,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const people = preview.data?.people ?? [];
  return (
    <Panel title={t('traits.preview')} hint={t('traits.preview_hint')} label={t('traits.preview')}>
      <ProblemAlert error={preview.error} />
      {!whole && <Text size="sm" c="dimmed">{t('traits.preview_waits')}</Text>}
      {whole && preview.isLoading && <Skeleton height={120} />}
      {whole && preview.data && people.length === 0 && <Text size="sm" c="dimmed">{t('traits.preview_none')}</Text>}
      {whole && (
        <Stack gap={8}>
          {people.map((one) => (
            <Group key={one.profile_id} justify="space-between" wrap="nowrap" gap="sm" align="flex-start">
              <Anchor component={Link} to={`/customers/${one.profile_id}`} size="sm" target="_blank">{one.name}</Anchor>
              <Text size="sm" fw={550} ta="right" style={{ overflowWrap: 'anywhere' }}>
                {'preview' in one.values ? told(one.values.preview) : NOTHING}
              </Text>
            </Group>
          ))}
        </Stack>
      )}
    </Panel>
  );
}
