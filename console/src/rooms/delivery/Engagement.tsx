import { Button, Group, Stack, Text, Title, Tooltip } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconClick, IconMachine, IconMailOpened, IconPerson } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { done, failed } from '@/design/toast';

/** Every open and click of one message, each marked as a person's or a machine's, with the rule that says so. */
export function Engagement({ delivery }: { delivery: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('delivery:reclassify');
  const key = ['engagement', delivery];
  const found = useQuery({ queryKey: key, queryFn: () => take(api.GET('/v1/engagement', { params: { query: { delivery_id: delivery, limit: 50 } } })) });
  const rules = useQuery({ queryKey: ['engagement-rules'], queryFn: () => take(api.GET('/v1/engagement/rules')), staleTime: Infinity });
  const judge = useMutation({
    mutationFn: (one: Schema<'Engaged'>) =>
      take(api.POST('/v1/engagement/{engagement_id}/judge', { params: { path: { engagement_id: one.id } }, body: { class: one.class === 'person' ? 'machine' : 'person' } })),
    onSuccess: () => {
      done(t('delivery.judged'));
      void client.invalidateQueries({ queryKey: key });
      void client.invalidateQueries({ queryKey: ['delivery', delivery] });
    },
    onError: failed,
  });
  if (!found.data?.items.length) return null;
  return (
    <div>
      <Title order={3} mb="xs">{t('delivery.engagement')}</Title>
      <Stack gap={8}>
        {found.data.items.map((one) => {
          const person = one.class === 'person';
          const rule = rules.data?.rules.find((other) => other.name === one.rule);
          const Face = one.kind === 'clicked' ? IconClick : IconMailOpened;
          return (
            <Group key={one.id} justify="space-between" wrap="nowrap" align="flex-start">
              <div style={{ minWidth: 0 }}>
                <Group gap={6}>
                  <Face size={15} aria-hidden />
                  <Text size="sm">{t(`state.${one.kind}`, { defaultValue: one.kind })}</Text>
                  <Tooltip label={t(`delivery.rule_${one.rule}`, { defaultValue: rule?.says ?? one.rule })}>
                    <span>
                      <Mark colour={person ? 'teal' : 'gray'} size="sm">
                        <Group gap={3} wrap="nowrap">{person ? <IconPerson size={11} aria-hidden /> : <IconMachine size={11} aria-hidden />}{t(`delivery.by_${one.class}`)}</Group>
                      </Mark>
                    </span>
                  </Tooltip>
                  {one.by_hand && <Text size="xs" c="dimmed">{t('delivery.by_hand')}</Text>}
                </Group>
                <Text size="xs" c="dimmed" lineClamp={1} style={{ overflowWrap: 'anywhere' }}>{one.url ?? one.agent}</Text>
              </div>
              <Stack gap={2} align="flex-end">
                <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>{format.exact(one.at)}</Text>
                {may && <Button size="compact-xs" variant="subtle" onClick={() => judge.mutate(one)}>{t(person ? 'delivery.was_machine' : 'delivery.was_person')}</Button>}
              </Stack>
            </Group>
          );
        })}
      </Stack>
    </div>
  );
}
