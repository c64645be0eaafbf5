import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { usePages } from '@/api/pages';
import { EmptyState } from '@/design/EmptyState';
import { IconDeliveries } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { DeliveryTable } from './DeliveryTable';
import { WhyDrawer } from './WhyDrawer';

/** Everything that was, or was not, said to one customer. */
export function CustomerDeliveries({ id }: { id: number }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<number | null>(null);
  const list = usePages(['profile-deliveries', id], (cursor) =>
    take(api.GET('/v1/profiles/{profile_id}/deliveries', { params: { path: { profile_id: id }, query: { cursor, limit: 30 } } })),
  );
  return (
    <Panel flush label={t('nav.deliveries')}>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <DeliveryTable
        list={list}
        withoutCustomer
        onOpen={setOpen}
        empty={<EmptyState icon={IconDeliveries} title={t('delivery.nothing_said')}>{t('delivery.nothing_said_hint')}</EmptyState>}
      />
      <WhyDrawer id={open} onOpen={setOpen} onClose={() => setOpen(null)} />
    </Panel>
  );
}
