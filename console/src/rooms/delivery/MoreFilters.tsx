import { Button, Popover, Select, Stack, TextInput } from '@mantine/core';
import { DateInput } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { IconFilter } from '@/design/icons';
import { useChannelOptions } from '../campaigns/steps/HopsEditor';
import { useAccounts } from '../channels/vocabulary';

export type MoreFilter = 'channel' | 'account_id' | 'class' | 'since' | 'until' | 'provider_id';

const CLASSES = ['marketing', 'service', 'transactional', 'one_time_code', 'staff', 'test'] as const;
const KEYS: MoreFilter[] = ['channel', 'account_id', 'class', 'since', 'until', 'provider_id'];

interface MoreFiltersProps {
  address: Partial<Record<MoreFilter, string>>;
  change: (next: Partial<Record<MoreFilter, string | null>>) => void;
}

/** The rest of what a delivery can be found by: channel, account, kind, days, and its name at the other side. */
export function MoreFilters({ address, change }: MoreFiltersProps) {
  const { t } = useTranslation();
  const channels = useChannelOptions();
  const accounts = useAccounts(address.channel).data ?? [];
  const used = KEYS.filter((key) => address[key]).length;
  const clear = { clearable: true, clearButtonProps: { 'aria-label': t('common.clear') } };
  return (
    <Popover position="bottom-start" shadow="md" withinPortal trapFocus>
      <Popover.Target>
        <Button variant={used > 0 ? 'light' : 'default'} leftSection={<IconFilter size={15} />}>{used > 0 ? t('delivery.more_used', { count: used }) : t('delivery.more_filters')}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs" w={250}>
          <Select {...clear} comboboxProps={{ withinPortal: false }} label={t('channels.channel')} data={channels} value={address.channel ?? null} onChange={(channel) => change({ channel, account_id: null })} />
          <Select {...clear} comboboxProps={{ withinPortal: false }} label={t('channels.account')} data={accounts.map((one) => ({ value: String(one.id), label: one.name }))} value={address.account_id ?? null} onChange={(account_id) => change({ account_id })} />
          <Select {...clear} comboboxProps={{ withinPortal: false }} label={t('campaigns.class')} data={CLASSES.map((one) => ({ value: one, label: t(`campaigns.class_name.${one}`) }))} value={address.class ?? null} onChange={(name) => change({ class: name })} />
          <DateInput {...clear} popoverProps={{ withinPortal: false }} label={t('delivery.since')} value={address.since ?? null} onChange={(since) => change({ since })} />
          <DateInput {...clear} popoverProps={{ withinPortal: false }} label={t('delivery.until')} value={address.until ?? null} onChange={(until) => change({ until })} />
          <TextInput label={t('delivery.provider_id')} defaultValue={address.provider_id ?? ''} onBlur={(event) => change({ provider_id: event.currentTarget.value.trim() })} />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
