import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconShield } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';

/** Callbacks that were turned away, by account and cause: forged, too old, told twice. */
export function Refused() {
  const { t } = useTranslation();
  const format = useFormat();
  const refused = useQuery({ queryKey: ['callbacks-refused'], queryFn: () => take(api.GET('/v1/callbacks/refused')), refetchInterval: 10_000 });
  return (
    <Panel title={t('channels.refused')} hint={t('channels.refused_hint')} flush>
      <ProblemAlert error={refused.error} />
      <DataTable
        label={t('channels.refused')}
        rows={refused.data}
        loading={refused.isLoading}
        rowKey={(one) => `${one.account_id}-${one.cause}`}
        empty={<EmptyState icon={IconShield} title={t('channels.none_refused')}>{t('channels.none_refused_hint')}</EmptyState>}
        columns={[
          { key: 'account', head: t('channels.account'), cell: (one) => <Text size="sm" fw={550}>{one.account_name ?? t('channels.no_account', { id: one.account_id })}</Text> },
          { key: 'cause', head: t('channels.cause'), cell: (one) => t(`channels.cause_${one.cause}`, { defaultValue: one.cause.replaceAll('_', ' ') }) },
          { key: 'count', head: t('channels.count'), right: true, cell: (one) => format.number(one.count) },
          { key: 'detail', head: t('common.details'), cell: (one) => <Text size="sm" c="dimmed" lineClamp={2}>{one.last_detail}</Text> },
          { key: 'last', head: t('channels.last'), right: true, cell: (one) => <Moment at={one.last_at} /> },
        ]}
      />
    </Panel>
  );
}
