import { Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useFormat } from '@/design/format';
import { useMoney } from '@/design/money';
import { Panel } from '@/design/Panel';

const LINES = ['sent', 'delivered', 'bounced', 'opened', 'clicked', 'replied', 'unsubscribed', 'conversions'] as const;

/** What was known after 1, 24 and 48 hours, as it was read then; what is known of those hours now stands beside it. */
export function KnownAfter({ campaign }: { campaign: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const money = useMoney();
  const curve = useQuery({
    queryKey: ['curve', campaign],
    queryFn: () => take(api.GET('/v1/campaigns/{campaign_id}/report/curve', { params: { path: { campaign_id: campaign } } })),
    refetchInterval: 15_000,
  });
  // Of messages that go out at all times nothing was kept at one: what is known now stands for it.
  const points = (curve.data?.points ?? []).map((point) => ({ ...point, shown: point.then ?? point.now }));
  if (!points.some((point) => point.shown && point.shown.sent > 0)) return null;
  return (
    <Panel title={t('campaigns.known')} hint={t(`campaigns.known_since_${curve.data?.since ?? 'start'}`)} flush>
      <Table.ScrollContainer minWidth={420}>
        <Table aria-label={t('campaigns.known')} verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t('campaigns.step')}</Table.Th>
              {points.map((point) => <Table.Th key={point.hours} scope="col" ta="right">{t('campaigns.after_hours', { count: point.hours })}</Table.Th>)}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {LINES.map((line) => (
              <Table.Tr key={line}>
                <Table.Th scope="row" fw={500}>{t(`state.${line}`)}</Table.Th>
                {points.map((point) => {
                  const { then, now, shown } = point;
                  return (
                    <Table.Td key={point.hours} ta="right" className="tabular">
                      {shown ? format.number(shown[line]) : '—'}
                      {then && now && now[line] !== then[line] && <Text component="span" size="xs" c="dimmed"> {t('campaigns.now_known', { shown: format.number(now[line]) })}</Text>}
                    </Table.Td>
                  );
                })}
              </Table.Tr>
            ))}
            <Table.Tr>
              <Table.Th scope="row" fw={500}>{t('budgets.cost')}</Table.Th>
              {points.map((point) => <Table.Td key={point.hours} ta="right" className="tabular">{point.shown ? money(point.shown.cost_micros) : '—'}</Table.Td>)}
            </Table.Tr>
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}
