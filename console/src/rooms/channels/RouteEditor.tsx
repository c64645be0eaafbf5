import { ActionIcon, Group, MultiSelect, NumberInput, Select, TagsInput, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { IconDown, IconPlus, IconTrash, IconUp } from '@/design/icons';
import { FormDrawer } from '@/design/SaveForm';
import { done } from '@/design/toast';
import { useChannelOptions } from '../campaigns/steps/HopsEditor';
import { usePurposeOptions } from '../rules/purposes';
import { useCountries } from './countries';
import { useAccounts } from './vocabulary';

type Route = Schema<'Route'>;
type Draft = Schema<'NewRoute'>;

const CLASSES = ['one_time_code', 'transactional', 'service', 'marketing'] as const;
const NEW: Draft = { channel: 'email', name: '', match: {}, strategy: 'in_order', otherwise: 'wait', targets: [], enabled: true, position: null };

interface RouteEditorProps {
  route: Route | null;
  onClose: () => void;
  onSaved: () => void;
}

/** One rule of routing: its marks, and the accounts it names in their order. */
export function RouteEditor({ route, onClose, onSaved }: RouteEditorProps) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Draft>(route ?? NEW);
  const channels = useChannelOptions();
  const countries = useCountries();
  const accounts = useAccounts(draft.channel);
  const purposes = usePurposeOptions('');
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const put = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const match = draft.match ?? {};
  const mark = (part: Partial<typeof match>) => put({ match: { ...match, ...part } });
  const { targets } = draft;
  const free = (accounts.data ?? []).filter((one) => !targets.some((target) => target.account_id === one.id));
  const save = useMutation({
    mutationFn: async () => {
      const { channel, name, strategy, otherwise, enabled } = draft;
      const body = { name, match, strategy, otherwise, targets, enabled, position: route?.position ?? null };
      await (route ? take(api.PUT('/v1/delivery/routes/{route_id}', { params: { path: { route_id: route.id } }, body })) : take(api.POST('/v1/delivery/routes', { body: { ...body, channel } })));
    },
    onSuccess: () => {
      done(t('channels.route_saved', { name: draft.name }));
      onSaved();
      onClose();
    },
  });
  const move = (place: number, by: number) => {
    const target = targets[place];
    if (target) put({ targets: targets.toSpliced(place, 1).toSpliced(place + by, 0, target) });
  };
  return (
    <FormDrawer
      title={route ? route.name : t('channels.route_new')}
      size="lg"
      saving={save}
      disabled={targets.length === 0}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <TextInput label={t('common.name')} required data-autofocus maxLength={200} value={draft.name} onChange={(event) => put({ name: event.currentTarget.value })} />
      {!route && <Select label={t('channels.channel')} allowDeselect={false} data={channels} value={draft.channel} onChange={(channel) => channel && put({ channel, targets: [] })} />}
      <Text size="sm" fw={600} mt="xs">{t('channels.route_whom')}</Text>
      <MultiSelect label={t('channels.countries')} searchable clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data={countries} value={match.countries ?? []} onChange={(countries) => mark({ countries })} />
      {draft.channel === 'email' && <TagsInput label={t('channels.domains_of')} placeholder={t('channels.domain_example')} value={match.domains ?? []} onChange={(domains) => mark({ domains: domains.map((one) => one.toLowerCase()) })} />}
      <MultiSelect label={t('campaigns.class')} data={CLASSES.map((one) => ({ value: one, label: t(`campaigns.class_name.${one}`) }))} value={match.classes ?? []} onChange={(classes) => mark({ classes })} />
      <MultiSelect label={t('consent.topic')} data={(topics.data ?? []).map((one) => ({ value: one.name, label: one.title }))} value={match.topics ?? []} onChange={(names) => mark({ topics: names })} />
      <MultiSelect label={t('channels.purposes')} data={purposes} value={match.purposes ?? []} onChange={(names) => mark({ purposes: names })} />
      <Text size="sm" fw={600} mt="xs">{t('channels.route_through')}</Text>
      <Select label={t('channels.strategy')} allowDeselect={false} data={(['in_order', 'share', 'cheapest'] as const).map((one) => ({ value: one, label: t(`channels.strategy_${one}`) }))} value={draft.strategy ?? 'in_order'} onChange={(strategy) => put({ strategy: strategy as Draft['strategy'] })} />
      {targets.map((target, place) => {
        const name = accounts.data?.find((one) => one.id === target.account_id)?.name ?? String(target.account_id);
        return (
          <Group key={target.account_id} gap="xs" wrap="nowrap">
            <Text size="sm" style={{ flex: 1 }}>{name}</Text>
            {draft.strategy === 'share' && <NumberInput aria-label={t('channels.share_of', { name })} w={90} min={0.01} value={target.share ?? 1} onChange={(typed) => put({ targets: targets.map((one, at) => (at === place ? { ...one, share: Number(typed) || 1 } : one)) })} />}
            <ActionIcon variant="subtle" color="gray" disabled={place === 0} aria-label={t('channels.route_up', { name })} onClick={() => move(place, -1)}><IconUp size={16} /></ActionIcon>
            <ActionIcon variant="subtle" color="gray" disabled={place === targets.length - 1} aria-label={t('channels.route_down', { name })} onClick={() => move(place, 1)}><IconDown size={16} /></ActionIcon>
            <ActionIcon variant="subtle" color="red" aria-label={t('channels.route_remove', { name })} onClick={() => put({ targets: targets.toSpliced(place, 1) })}><IconTrash size={16} /></ActionIcon>
          </Group>
        );
      })}
      <Select
        label={t('channels.target_add')}
        placeholder={t('channels.account')}
        leftSection={<IconPlus size={14} />}
        data={free.map((one) => ({ value: String(one.id), label: one.name }))}
        value={null}
        onChange={(id) => id && put({ targets: [...targets, { account_id: Number(id), share: 1 }] })}
      />
      <Select label={t('channels.otherwise')} allowDeselect={false} data={(['wait', 'next'] as const).map((one) => ({ value: one, label: t(`channels.otherwise_${one}`) }))} value={draft.otherwise ?? 'wait'} onChange={(otherwise) => put({ otherwise: otherwise as Draft['otherwise'] })} />
    </FormDrawer>
  );
}
