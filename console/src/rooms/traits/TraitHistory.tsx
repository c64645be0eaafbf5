import { Modal, Skeleton, Stack, Text, Timeline } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useTraits, useValueTold } from './vocabulary';

interface TraitHistoryProps {
  customer: Schema<'ProfileShown'>;
  name: string;
  onClose: () => void;
}

/** What was said of one trait of a customer, by whom and when; and whose word counts now. */
export function TraitHistory({ customer, name, onClose }: TraitHistoryProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const told = useValueTold();
  const type = useTraits().data?.find((one) => one.name === name)?.type;
  const history = useQuery({
    queryKey: ['trait-history', customer.id, name],
    queryFn: () =>
      take(api.GET('/v1/profiles/{profile_id}/trait-history', { params: { path: { profile_id: customer.id }, query: { name } } })),
  });
  const now = customer.trait_history.find((one) => one.name === name);
  const found = history.data;
  return (
    <Modal opened onClose={onClose} title={name} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <ProblemAlert error={history.error} />
      {history.isLoading && <Skeleton height={120} />}
      {found && (
        <Stack gap="sm">
          {found.hidden ? (
            <Text size="sm" c="dimmed">{t('traits.hidden')}</Text>
          ) : (
            <div>
              <Text size="lg" fw={600} style={{ overflowWrap: 'anywhere' }}>{told(found.value, type)}</Text>
              <Text size="xs" c="dimmed">
                {found.computed
                  ? t('traits.computed_at', { when: format.dateTime(now?.at) })
                  : t('traits.said_at', { when: format.dateTime(now?.at), by: now?.message_id ?? '' })}
              </Text>
            </div>
          )}
          {found.said.length > 0 && (
            <Timeline bulletSize={12} lineWidth={2} mt="xs">
              {found.said.map((one) => (
                <Timeline.Item
                  key={`${one.at}:${one.message_id}`}
                  title={<Text size="sm" fw={550}>{one.value === null ? t('traits.removed') : told(one.value, type)}</Text>}
                >
                  <Text size="xs" c="dimmed">{t('traits.said_at', { when: format.dateTime(one.at), by: one.message_id ?? '' })}</Text>
                </Timeline.Item>
              ))}
            </Timeline>
          )}
          {!found.hidden && !found.computed && found.said.length === 0 && <Text size="sm" c="dimmed">{t('traits.no_calls')}</Text>}
        </Stack>
      )}
    </Modal>
  );
}
