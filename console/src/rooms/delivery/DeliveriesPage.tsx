import { Button, Group, MultiSelect, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { EmptyState } from '@/design/EmptyState';
import { IconDeliveries, IconSearch, IconShield } from '@/design/icons';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useAddress } from '@/shell/address';
import { Bulk, type Wanted } from './Bulk';
import { DeliveryTable } from './DeliveryTable';
import { MoreFilters, type MoreFilter } from './MoreFilters';
import { OnlyCampaign, OnlyCustomer } from './Narrowed';
import { useReasonTitle } from './reasons';
import { WhyDrawer } from './WhyDrawer';

type State = Schema<'DeliveryItem'>['state'];
type Filter = 'state' | 'reason' | 'was' | 'address' | 'campaign_id' | 'profile_id' | 'open' | MoreFilter;

const STATES: State[] = [
  'planned', 'queued', 'claimed', 'speaking', 'sent', 'delivered', 'bounced', 'failed', 'expired', 'cancelled', 'unknown', 'suppressed',
];
const WAS = ['passed', 'sent', 'delivered', 'bounced', 'opened', 'clicked', 'unsubscribed', 'complained'] as const;
type Was = (typeof WAS)[number];

/** A time of one of the reader's days, as the tables show them; nothing where the address holds no day. */
function instant(day: string, time: string): string | undefined {
  const at = new Date(`${day}T${time}`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** The ledger: everything that was said or held back, and why. */
export default function DeliveriesPage() {
  const { t } = useTranslation();
  const [address, change] = useAddress<Filter>();
  const mayResend = useMay('delivery:resend');
  const maySeeProofs = useMay('verifications:read');
  const [bulk, setBulk] = useState<'retry' | 'resolve' | null>(null);
  const typing = useDebouncedCallback((text: string) => change({ address: text.trim() }), 350);
  const titles = useReasonTitle();
  const reasons = useQuery({
    queryKey: ['delivery-reasons'],
    queryFn: () => take(api.GET('/v1/delivery-reasons')),
    staleTime: Infinity,
  });
  const states = address.state ? (address.state.split(',') as State[]) : [];
  const list = usePages(
    ['deliveries', address.channel, address.account_id, address.class, address.since, address.until, address.provider_id, address.state, address.reason, address.was, address.address, address.campaign_id, address.profile_id],
    (cursor) =>
      take(
        api.GET('/v1/deliveries', {
          params: {
            query: {
              state: states.length ? states : undefined,
              reason: address.reason,
              was: address.was as Was | undefined,
              address: address.address,
              campaign_id: address.campaign_id ? Number(address.campaign_id) : undefined,
              profile_id: address.profile_id ? Number(address.profile_id) : undefined,
              channel: address.channel,
              account_id: address.account_id ? Number(address.account_id) : undefined,
              message_class: address.class as Schema<'DeliveryItem'>['message_class'] | undefined,
              provider_id: address.provider_id,
              since: address.since && instant(address.since, '00:00:00'),
              until: address.until && instant(address.until, '23:59:59.999'),
              cursor,
              limit: 50,
            },
          },
        }),
      ),
  );
  const wanted: Wanted = {
    campaign_id: address.campaign_id ? Number(address.campaign_id) : null,
    profile_id: address.profile_id ? Number(address.profile_id) : null,
    states: states.length ? states : null,
    reason: address.reason ?? null,
    message_class: (address.class as Wanted['message_class']) ?? null,
  };
  // Only what a retry of many can be told itself may narrow it; by anything else more would be meant than is shown.
  const proofs = maySeeProofs && <Button component={Link} to="/deliveries/verifications" variant="default" leftSection={<IconShield size={16} />}>{t('delivery.verifications')}</Button>;
  const actions = mayResend && !['address', 'was', 'channel', 'account_id', 'since', 'until', 'provider_id'].some((key) => address[key as Filter]) && (
    <>
      <Button variant="default" onClick={() => setBulk('retry')}>{t('delivery.retry_all')}</Button>
      <Button variant="default" onClick={() => setBulk('resolve')}>{t('delivery.resolve_all')}</Button>
    </>
  );
  return (
    <Page title={t('nav.deliveries')} lead={t('delivery.lead')} actions={<>{proofs}{actions}</>}>
      <Group mb="md" gap="sm">
        <TextInput
          aria-label={t('delivery.address')}
          placeholder={t('delivery.address')}
          leftSection={<IconSearch size={15} />}
          defaultValue={address.address ?? ''}
          onChange={(event) => typing(event.currentTarget.value)}
          w={230}
        />
        <MultiSelect
          aria-label={t('common.state')}
          placeholder={states.length === 0 ? t('delivery.any_state') : undefined}
          data={STATES.map((state) => ({ value: state, label: t(`state.${state}`) }))}
          value={states}
          onChange={(picked) => change({ state: picked.join(',') })}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
          miw={190}
        />
        <Select
          aria-label={t('delivery.happened')}
          placeholder={t('delivery.happened')}
          data={WAS.map((was) => ({ value: was, label: t(`delivery.was_${was}`) }))}
          value={address.was ?? null}
          onChange={(was) => change({ was })}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
          w={200}
        />
        <Select
          aria-label={t('delivery.reason')}
          placeholder={t('delivery.any_reason')}
          data={(reasons.data ?? []).map((reason) => ({ value: reason.code, label: titles(reason.code, reason.title) }))}
          value={address.reason ?? null}
          onChange={(reason) => change({ reason })}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
          w={230}
        />
        <MoreFilters address={address} change={change} />
        {address.campaign_id && <OnlyCampaign id={Number(address.campaign_id)} onClear={() => change({ campaign_id: null })} />}
        {address.profile_id && <OnlyCustomer id={Number(address.profile_id)} onClear={() => change({ profile_id: null })} />}
      </Group>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DeliveryTable
          list={list}
          onOpen={(id) => change({ open: String(id) })}
          empty={<EmptyState icon={IconDeliveries} title={t('delivery.empty')}>{t('delivery.empty_hint')}</EmptyState>}
        />
      </Panel>
      <WhyDrawer id={address.open ? Number(address.open) : null} onOpen={(id) => change({ open: String(id) })} onClose={() => change({ open: null })} />
      {bulk && <Bulk verb={bulk} wanted={wanted} onClose={() => setBulk(null)} />}
    </Page>
  );
}
