import { Alert, Group, List, Progress, SimpleGrid, Skeleton, Stack, Table, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useSpan } from '@/design/DurationInput';
import { useFormat } from '@/design/format';
import { useMoney } from '@/design/money';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Slow } from '@/design/Slow';
import { Stat } from '@/design/Stat';
import { useReasonTitle } from '../delivery/reasons';

/** Spans of an estimate are told roughly: to the minute, hour or day. */
function rough(seconds: number): number {
  if (seconds < 60) return 60;
  if (seconds < 5400) return Math.ceil(seconds / 60) * 60;
  return seconds < 172_800 ? Math.ceil(seconds / 3600) * 3600 : Math.ceil(seconds / 86_400) * 86_400;
}

/** Before anything is sent: whom it reaches, who is refused and why, what it costs, how long it takes, and what to think of. */
export function Estimated({ estimate }: { estimate: UseQueryResult<Schema<'Estimate'>> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const money = useMoney();
  const span = useSpan();
  const title = useReasonTitle();
  const found = estimate.data;
  return (
    <Panel title={t('campaigns.estimate')} hint={t('campaigns.estimate_hint')}>
      <Slow busy={estimate.isFetching} label={t('campaigns.estimating')} />
      <ProblemAlert error={estimate.error} onRetry={() => void estimate.refetch()} />
      {estimate.isLoading && <Skeleton height={90} />}
      {found && (
        <Stack gap="sm">
          <Group align="baseline" gap="xs">
            <Text fz={30} fw={650} lh={1.1} className="tabular" data-testid="estimate-reached">{format.number(found.reached)}</Text>
            <Text c="dimmed" size="sm">{t('campaigns.of_audience', { total: format.number(found.audience) })}</Text>
          </Group>
          <Progress value={found.audience > 0 ? (100 * found.reached) / found.audience : 0} aria-label={t('campaigns.estimate')} />
          {found.warnings.length > 0 && (
            <Alert color="yellow" role="status">
              <List size="sm">
                {found.warnings.map((one) => (
                  <List.Item key={one.code}>{t(`campaigns.warn_${one.code}`, { share: format.percent(one.share, 1), shown: format.number(one.people) })}</List.Item>
                ))}
              </List>
            </Alert>
          )}
          <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
            <Stat label={t('budgets.cost')} value={money(found.cost_micros)} note={found.most_micros > found.cost_micros ? t('campaigns.cost_most', { most: money(found.most_micros) }) : found.budget_micros !== null ? t('campaigns.of_budget', { budget: money(found.budget_micros) }) : undefined} />
            <Stat label={t('campaigns.takes')} value={found.seconds === null ? '—' : span(rough(found.seconds))} note={found.seconds === null ? t('campaigns.takes_unknown') : t('campaigns.takes_note')} />
            <Stat label={t('campaigns.holdout')} value={format.number(found.held_out)} />
          </SimpleGrid>
          {found.refused_by.length > 0 && (
            <Table verticalSpacing={5}>
              <Table.Tbody>
                {found.refused_by.map((one) => (
                  <Table.Tr key={one.reason}>
                    <Table.Td>{title(one.reason, one.title)}</Table.Td>
                    <Table.Td ta="right" className="tabular">{format.number(one.people)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Stack>
      )}
    </Panel>
  );
}
