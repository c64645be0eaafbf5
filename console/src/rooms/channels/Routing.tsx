import { ActionIcon, Button, Group, Stack, Switch, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconDown, IconEdit, IconPlus, IconSplit, IconTrash, IconUp } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { usePurposeTitle } from '../rules/purposes';
import { useCountries } from './countries';
import { RouteEditor } from './RouteEditor';
import { RouteTry } from './RouteTry';
import { useAccounts, useChannelTitle } from './vocabulary';
import styles from './channels.module.css';

type Route = Schema<'Route'>;

/** A rule in one sentence: which messages it is for, and through which accounts they go. */
function useSentence(): (route: Route) => { whom: string; through: string } {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const or = new Intl.ListFormat(i18n.language, { type: 'disjunction' });
  const accounts = useAccounts().data ?? [];
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) }).data ?? [];
  const purposeTitle = usePurposeTitle();
  const countries = new Map(useCountries().map((one) => [one.value, one.label]));
  const name = (id: number) => accounts.find((one) => one.id === id)?.name ?? t('channels.no_account', { id });
  return ({ match, targets, strategy }) => {
    const one = (names: string[] | undefined, label?: string) => (names?.length ? [label ? t('channels.route_mark', { label, names: or.format(names) }) : or.format(names)] : []);
    const marks = [
      ...one(match.countries?.map((code) => countries.get(code) ?? code)),
      ...one(match.domains),
      ...one(match.classes?.map((name) => t(`campaigns.class_name.${name}`, { defaultValue: name })), t('campaigns.class')),
      ...one(match.topics?.map((name) => topics.find((topic) => topic.name === name)?.title ?? name), t('consent.topic')),
      ...one(match.purposes?.map(purposeTitle), t('campaigns.purpose')),
    ];
    const whole = targets.reduce((sum, target) => sum + (target.share ?? 1), 0);
    const through = targets.map((target) => (strategy === 'share' ? `${name(target.account_id)} ${format.percent(target.share ?? 1, whole)}` : name(target.account_id)));
    return {
      whom: marks.length > 0 ? marks.join(' · ') : t('channels.route_all'),
      through: t(`channels.through_${strategy}`, { accounts: strategy === 'in_order' ? through.join(' → ') : format.list(through) }),
    };
  };
}

/** Which account a message goes through: rules asked from top to bottom, the first that fits decides. */
export function Routing() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:accounts');
  const title = useChannelTitle();
  const sentence = useSentence();
  const [editing, setEditing] = useState<Route | 'new' | null>(null);
  const routes = useQuery({ queryKey: ['routes'], queryFn: () => take(api.GET('/v1/delivery/routes')) });
  const refresh = () => void client.invalidateQueries({ queryKey: ['routes'] });
  const change = useMutation({
    mutationFn: async (changes: Route[]) => {
      for (const { id, name, match, strategy, otherwise, targets, enabled, position } of changes) {
        await take(api.PUT('/v1/delivery/routes/{route_id}', { params: { path: { route_id: id } }, body: { name, match, strategy, otherwise, targets, enabled, position } }));
      }
    },
    onSettled: refresh,
    onError: failed,
  });
  const restore = useMutation({
    mutationFn: ({ channel, name, match, strategy, otherwise, targets, enabled, position }: Route) => take(api.POST('/v1/delivery/routes', { body: { channel, name, match, strategy, otherwise, targets, enabled, position } })),
    onSettled: refresh,
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: (route: Route) => take(api.DELETE('/v1/delivery/routes/{route_id}', { params: { path: { route_id: route.id } } })),
    onSuccess: (_, route) => {
      refresh();
      done(t('channels.route_removed', { name: route.name }), () => restore.mutate(route));
    },
    onError: failed,
  });
  const channels = [...new Set((routes.data ?? []).map((route) => route.channel))];
  const of = (channel: string) => (routes.data ?? []).filter((route) => route.channel === channel).sort((one, other) => one.position - other.position);
  const move = (route: Route, by: number) => {
    const order = of(route.channel);
    const place = order.indexOf(route);
    const moved = order.toSpliced(place, 1).toSpliced(place + by, 0, route);
    change.mutate(moved.map((one, position) => ({ ...one, position })).filter((one, at) => one.position !== order[at]?.position || one.id !== order[at]?.id));
  };
  const add = may && <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>{t('channels.route_new')}</Button>;
  return (
    <Stack>
      <Panel title={t('channels.routing')} hint={t('channels.routing_hint')} actions={add}>
        <ProblemAlert error={routes.error} />
        {routes.data?.length === 0 && <EmptyState icon={IconSplit} title={t('channels.no_routes')} action={add}>{t('channels.no_routes_hint')}</EmptyState>}
        <Stack gap="lg">
          {channels.map((channel) => (
            <section key={channel} aria-label={title(channel)}>
              <Title order={3} mb="xs">{title(channel)}</Title>
              <Stack component="ol" gap="xs" m={0} p={0} className={styles.rules}>
                {of(channel).map((route, place, all) => (
                  <Group key={route.id} component="li" className={styles.rule} wrap="nowrap" data-off={!route.enabled || undefined}>
                    <Text size="sm" c="dimmed" className="tabular" w={18}>{place + 1}</Text>
                    <div style={{ flex: '1 1 210px', minWidth: 0 }}>
                      <Text size="sm" fw={600}>{route.name}</Text>
                      <Text size="sm" c="dimmed">{sentence(route).whom}</Text>
                      <Text size="sm" c="dimmed">{sentence(route).through}</Text>
                    </div>
                    {may && (
                      <Group gap={2} wrap="nowrap">
                        <Switch size="xs" mr={6} aria-label={t('channels.route_on', { name: route.name })} checked={route.enabled} onChange={(event) => change.mutate([{ ...route, enabled: event.currentTarget.checked }])} />
                        <ActionIcon variant="subtle" color="gray" disabled={place === 0} aria-label={t('channels.route_up', { name: route.name })} onClick={() => move(route, -1)}><IconUp size={16} /></ActionIcon>
                        <ActionIcon variant="subtle" color="gray" disabled={place === all.length - 1} aria-label={t('channels.route_down', { name: route.name })} onClick={() => move(route, 1)}><IconDown size={16} /></ActionIcon>
                        <ActionIcon variant="subtle" color="gray" aria-label={t('channels.route_edit', { name: route.name })} onClick={() => setEditing(route)}><IconEdit size={16} /></ActionIcon>
                        <ActionIcon variant="subtle" color="red" aria-label={t('channels.route_remove', { name: route.name })} onClick={() => remove.mutate(route)}><IconTrash size={16} /></ActionIcon>
                      </Group>
                    )}
                  </Group>
                ))}
              </Stack>
            </section>
          ))}
        </Stack>
      </Panel>
      <RouteTry />
      {editing && <RouteEditor route={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onSaved={refresh} />}
    </Stack>
  );
}
