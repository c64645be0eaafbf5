import { Button, Group, Select, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMoney } from '@/design/money';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useChannelOptions } from '../campaigns/steps/HopsEditor';
import { usePurposeOptions } from '../rules/purposes';
import { useAccounts } from './vocabulary';

const CLASSES = ['one_time_code', 'transactional', 'service', 'marketing'] as const;
type Name = (typeof CLASSES)[number];

/** Asks the rules about one address and what it would be told, without saying anything. */
export function RouteTry() {
  const { t } = useTranslation();
  const money = useMoney();
  const options = useChannelOptions();
  const accounts = useAccounts().data ?? [];
  const [channel, setChannel] = useState('email');
  const [address, setAddress] = useState('');
  const [named, setNamed] = useState<Name>('marketing');
  const [topic, setTopic] = useState<string | null>(null);
  const [purpose, setPurpose] = useState('');
  const purposes = usePurposeOptions(purpose);
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) }).data ?? [];
  const ask = useMutation({
    mutationFn: () => take(api.POST('/v1/delivery/routes/try', { body: { channel, address, message_class: named, topic, purpose, profile_id: 0 } })),
  });
  const clear = { clearable: true, clearButtonProps: { 'aria-label': t('common.clear') } };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  const names = ask.data?.accounts.map((id) => accounts.find((one) => one.id === id)?.name ?? String(id)) ?? [];
  return (
    <Panel title={t('channels.try')} hint={t('channels.try_hint')}>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <Select label={t('channels.channel')} w={170} allowDeselect={false} data={options} value={channel} onChange={(next) => next && setChannel(next)} />
          <TextInput label={t('delivery.address')} required w={260} value={address} onChange={(event) => setAddress(event.currentTarget.value)} />
          <Select label={t('campaigns.class')} w={190} allowDeselect={false} data={CLASSES.map((one) => ({ value: one, label: t(`campaigns.class_name.${one}`) }))} value={named} onChange={(next) => next && setNamed(next as Name)} />
          <Select {...clear} label={t('consent.topic')} w={190} placeholder={t('channels.try_any')} data={topics.map((one) => ({ value: one.name, label: one.title }))} value={topic} onChange={setTopic} />
          <Select {...clear} label={t('campaigns.purpose')} w={210} placeholder={t('channels.try_any')} data={purposes} value={purpose || null} onChange={(next) => setPurpose(next ?? '')} />
          <Button type="submit" variant="default" loading={ask.isPending}>{t('channels.try_go')}</Button>
        </Group>
      </form>
      <ProblemAlert error={ask.error} />
      {ask.data && (
        <Text size="sm" mt="sm" role="status">
          {names.length > 0 ? t('channels.try_answer', { accounts: names.join(' → '), price: money(ask.data.price_micros) }) : t('channels.try_nobody')}
        </Text>
      )}
    </Panel>
  );
}
