import { ActionIcon, Button, Group, Select, Stack, Switch, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { DurationInput } from '@/design/DurationInput';
import { IconDown, IconPlus, IconTrash, IconUp } from '@/design/icons';
import { useChannelTitle, useKinds } from '../../channels/vocabulary';
import { Chain } from './Chain';
import { TemplatePick } from './TemplatePick';
import styles from '../campaigns.module.css';

type Hop = Schema<'Fallback'>;

/** Channels there are, for a choice; who may not look at the providers knows them by what customers can be reached by. */
export function useChannelOptions() {
  const kinds = useKinds();
  const title = useChannelTitle();
  const [mayLook, mayKnow] = [useMay('channels:read'), useMay('consent:read')];
  const known = useQuery({ queryKey: ['channel-kinds'], queryFn: () => take(api.GET('/v1/channel-kinds')), staleTime: 60_000, enabled: mayKnow && !mayLook });
  const channels = kinds.data?.map((one) => one.channel) ?? known.data?.map((one) => one.name) ?? [];
  return [...new Set(channels)].map((channel) => ({ value: channel, label: title(channel) }));
}

interface OneProps {
  hop: Hop;
  place: number;
  count: number;
  onChange: (hop: Hop) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}

function One({ hop, place, count, onChange, onMove, onRemove }: OneProps) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  const accounts = useQuery({
    queryKey: ['channels', 'accounts', hop.channel],
    queryFn: () => take(api.GET('/v1/channels', { params: { query: { channel: hop.channel } } })),
  });
  const put = (part: Partial<Hop>) => onChange({ ...hop, ...part });
  const wait = (name: 'receipt_within' | 'answer_within') => {
    const seconds = hop[name];
    return (
      <Group align="center" gap="sm">
        <Switch label={t(`campaigns.${name}`)} checked={Boolean(seconds)} onChange={(event) => put({ [name]: event.currentTarget.checked ? 7200 : null })} />
        {seconds && <DurationInput hideLabel label={t(`campaigns.${name}`)} value={seconds} min={10} onChange={(next) => put({ [name]: next })} />}
      </Group>
    );
  };
  return (
    <Stack gap="xs" className={styles.hop} role="group" aria-label={t('campaigns.hop_nth', { place: place + 2 })}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600}>{t('campaigns.hop_nth', { place: place + 2 })}</Text>
        <Group gap={4} wrap="nowrap">
          <ActionIcon variant="subtle" color="gray" disabled={place === 0} aria-label={t('campaigns.hop_earlier')} onClick={() => onMove(-1)}><IconUp size={16} /></ActionIcon>
          <ActionIcon variant="subtle" color="gray" disabled={place === count - 1} aria-label={t('campaigns.hop_later')} onClick={() => onMove(1)}><IconDown size={16} /></ActionIcon>
          <ActionIcon variant="subtle" color="red" aria-label={t('campaigns.hop_remove')} onClick={onRemove}><IconTrash size={16} /></ActionIcon>
        </Group>
      </Group>
      <Group align="flex-end">
        <Select label={t('channels.channel')} w={170} allowDeselect={false} data={options} value={hop.channel} onChange={(channel) => channel && onChange({ ...hop, channel, template_id: null, account_id: null })} />
        <TemplatePick label={t('campaigns.hop_template')} channel={hop.channel} value={hop.template_id ?? null} onChange={(template_id) => put({ template_id })} />
        <Select
          label={t('campaigns.sender')}
          placeholder={t('campaigns.any_sender')}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
          w={210}
          data={(accounts.data ?? []).filter((one) => one.enabled).map((one) => ({ value: String(one.id), label: one.name }))}
          value={hop.account_id ? String(hop.account_id) : null}
          onChange={(id) => put({ account_id: id === null ? null : Number(id) })}
        />
      </Group>
      {wait('receipt_within')}
      {wait('answer_within')}
    </Stack>
  );
}

/** Where a message goes when its first channel does not bring it across: drawn, and changed below. */
export function HopsEditor({ channel, hops, usual, onChange }: { channel: string; hops: Hop[]; usual?: ReactNode; onChange: (hops: Hop[]) => void }) {
  const { t } = useTranslation();
  const options = useChannelOptions();
  const add = () => {
    const used = new Set([channel, ...hops.map((hop) => hop.channel)]);
    const next = options.find((one) => !used.has(one.value))?.value ?? channel;
    onChange([...hops, { channel: next, template_id: null, account_id: null, receipt_within: null, answer_within: null }]);
  };
  const move = (place: number, by: number) => {
    const moved = hops.toSpliced(place, 1);
    const hop = hops[place];
    if (hop) onChange(moved.toSpliced(place + by, 0, hop));
  };
  return (
    <Stack gap="sm">
      <div>
        <Text size="sm" fw={550}>{t('campaigns.chain')}</Text>
        <Text size="xs" c="dimmed">{t('campaigns.chain_hint')}</Text>
      </div>
      {(hops.length > 0 || !usual) && <Chain channel={channel} hops={hops} />}
      {hops.length === 0 && usual}
      {hops.map((hop, place) => (
        <One
          key={place}
          hop={hop}
          place={place}
          count={hops.length}
          onChange={(changed) => onChange(hops.with(place, changed))}
          onMove={(by) => move(place, by)}
          onRemove={() => onChange(hops.toSpliced(place, 1))}
        />
      ))}
      <Button variant="default" size="xs" w="fit-content" leftSection={<IconPlus size={14} />} disabled={hops.length >= 5} onClick={add}>{t('campaigns.hop_add')}</Button>
    </Stack>
  );
}
