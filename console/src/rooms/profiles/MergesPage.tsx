import { Kbd, NavLink, ScrollArea, SegmentedControl, Skeleton, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { EmptyState } from '@/design/EmptyState';
import { IconCheck, IconCustomers } from '@/design/icons';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { useAddress } from '@/shell/address';
import { Comparison } from './Comparison';
import styles from './MergesPage.module.css';

export type Decision = 'accept' | 'refuse' | 'undo';
type Proposal = Schema<'ProposalShown'>;
const STATES = ['open', 'accepted', 'refused'] as const;
type State = (typeof STATES)[number];
const KEYS = { next: 'j', previous: 'k', accept: 'y', refuse: 'n', undo: 'u' };

/** Known people who share an identity, one after the other: are they one? The keyboard is enough. */
export default function MergesPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('profiles:write');
  const [address, change] = useAddress<'state'>();
  const state: State = STATES.find((one) => one === address.state) ?? 'open';
  const [chosen, choose] = useState<number | null>(null);
  const list = usePages(['proposals', state], (cursor) =>
    take(api.GET('/v1/merge-proposals', { params: { query: { state, cursor, limit: 50 } } })),
  );
  const rows = list.rows ?? [];
  const place = Math.max(0, rows.findIndex((one) => one.id === chosen));
  const current = rows[place];
  const decide = useMutation({
    mutationFn: ({ id, decision }: { id: number; decision: Decision }) => {
      const params = { params: { path: { proposal_id: id } } };
      if (decision === 'undo') return take(api.POST('/v1/merge-proposals/{proposal_id}/undo', params));
      if (decision === 'accept') return take(api.POST('/v1/merge-proposals/{proposal_id}/accept', params));
      return take(api.POST('/v1/merge-proposals/{proposal_id}/refuse', params));
    },
    onSuccess: (_, { id, decision }) => {
      done(t(`profiles.decided_${decision}`), decision === 'undo' ? undefined : () => decide.mutate({ id, decision: 'undo' }));
      choose(rows[place + 1]?.id ?? null);
      void client.invalidateQueries({ queryKey: ['proposals'] });
      void client.invalidateQueries({ queryKey: ['proposal'] });
      void client.invalidateQueries({ queryKey: ['profile'] });
      void client.invalidateQueries({ queryKey: ['profiles'] });
    },
    onError: failed,
  });
  const go = (decision: Decision) => {
    if (may && current && !decide.isPending) decide.mutate({ id: current.id, decision });
  };
  useHotkeys([
    [KEYS.next, () => choose(rows[Math.min(rows.length - 1, place + 1)]?.id ?? null)],
    [KEYS.previous, () => choose(rows[Math.max(0, place - 1)]?.id ?? null)],
    [KEYS.accept, () => state === 'open' && go('accept')],
    [KEYS.refuse, () => state === 'open' && go('refuse')],
    [KEYS.undo, () => state !== 'open' && go('undo')],
  ]);
  const name = (one: Schema<'ProfileSummary'>) => one.name || one.email || t('profiles.unnamed', { id: one.id });
  const about = (one: Proposal) =>
    [`${t(`identity.${one.kind}`, { defaultValue: one.kind })}: ${one.value}`, one.question === 'recycled' && t('profiles.recycled')]
      .filter(Boolean)
      .join(' · ');
  const label = (one: Proposal) => `${name(one.one)} · ${name(one.other)}`;
  return (
    <Page
      title={t('profiles.proposals')}
      lead={t('profiles.merges_lead')}
      back={{ to: '/customers', label: t('nav.customers') }}
      actions={
        <SegmentedControl
          aria-label={t('profiles.merges_state')}
          value={state}
          onChange={(next) => {
            choose(null);
            change({ state: next === 'open' ? undefined : next });
          }}
          data={STATES.map((one) => ({ value: one, label: t(`profiles.state_${one}`) }))}
        />
      }
    >
      <ProblemAlert error={list.error} onRetry={list.retry} />
      {list.loading && <Skeleton height={320} />}
      {!list.loading && rows.length === 0 && (
        <Panel>
          <EmptyState icon={state === 'open' ? IconCheck : IconCustomers} title={t(`profiles.merges_none_${state}`)}>
            {t('profiles.merges_none_hint')}
          </EmptyState>
        </Panel>
      )}
      {current && (
        <div className={styles.review}>
          <Panel flush label={t('profiles.merges_list')}>
            <ScrollArea.Autosize mah="70vh" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t('profiles.merges_list') }}>
              {rows.map((one) => (
                <NavLink
                  key={one.id}
                  component="button"
                  active={one.id === current.id}
                  aria-current={one.id === current.id}
                  onClick={() => choose(one.id)}
                  label={label(one)}
                  description={about(one)}
                />
              ))}
              {list.more && <NavLink component="button" label={t('common.more')} onClick={list.more} />}
            </ScrollArea.Autosize>
            {may && (
              <Text size="xs" c="dimmed" p="sm">
                <Kbd size="xs">{KEYS.next}</Kbd> <Kbd size="xs">{KEYS.previous}</Kbd> {t('profiles.keys_move')} ·{' '}
                {state === 'open' ? (
                  <>
                    <Kbd size="xs">{KEYS.accept}</Kbd> {t('profiles.keys_accept')} · <Kbd size="xs">{KEYS.refuse}</Kbd> {t('profiles.keys_refuse')}
                  </>
                ) : (
                  <>
                    <Kbd size="xs">{KEYS.undo}</Kbd> {t('common.undo')}
                  </>
                )}
              </Text>
            )}
          </Panel>
          <Comparison id={current.id} onDecide={may ? go : undefined} busy={decide.isPending} />
        </div>
      )}
    </Page>
  );
}
