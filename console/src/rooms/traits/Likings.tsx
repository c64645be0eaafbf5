import { Box, Group, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';

const SHOWN = 5;

function Inferred({ one }: { one: Schema<'InferredPreference'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Box>
      <Text size="sm" fw={550}>{one.description || one.name}</Text>
      {one.hidden && <Text size="sm" c="dimmed">{t('traits.hidden')}</Text>}
      {one.items.slice(0, SHOWN).map((item) => (
        <Box key={item.value} mt={6}>
          <Group justify="space-between" wrap="nowrap" gap="sm">
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{item.value}</Text>
            <Text size="sm" c="dimmed">{format.percent(item.share, 1)}</Text>
          </Group>
          <Progress value={item.share * 100} size="sm" aria-label={item.value} />
        </Box>
      ))}
    </Box>
  );
}

/** What a customer's deeds say they like: it stands beside what they said they want. */
export function Likings({ id }: { id: number }) {
  const { t } = useTranslation();
  const inferred = useQuery({
    queryKey: ['inferred-preferences', id],
    queryFn: () => take(api.GET('/v1/profiles/{profile_id}/inferred-preferences', { params: { path: { profile_id: id } } })),
  });
  return (
    <Panel title={t('traits.inferred')} hint={t('traits.inferred_hint')}>
      <ProblemAlert error={inferred.error} />
      <Stack gap={14}>
        {(inferred.data ?? []).map((one) => <Inferred key={one.computed_id} one={one} />)}
        {inferred.data?.length === 0 && <Text size="sm" c="dimmed">{t('traits.inferred_none')}</Text>}
      </Stack>
    </Panel>
  );
}
