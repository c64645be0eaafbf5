import { NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { MoneyInput } from '@/design/money';
import { FormDrawer } from '@/design/SaveForm';
import { done } from '@/design/toast';
import { useChannelOptions } from '../campaigns/steps/HopsEditor';
import { ZonePick } from '../campaigns/steps/ZonePick';
import { useAccounts } from '../channels/vocabulary';

type Budget = Schema<'BudgetShown'>;
type Draft = Required<Schema<'NewBudget'>>;
const PERIODS = ['month', 'day', 'total'] as const;
const SCOPES = ['everything', 'channel', 'account'] as const;

interface BudgetEditorProps {
  budget: Budget | null;
  onClose: () => void;
  onSaved: () => void;
}

/** What may be spent, on what, and when to warn; what it is for stays as it was made. */
export function BudgetEditor({ budget, onClose, onSaved }: BudgetEditorProps) {
  const { t } = useTranslation();
  const channels = useChannelOptions();
  const accounts = useAccounts().data ?? [];
  const [draft, setDraft] = useState<Draft>({
    name: '', amount_micros: 0, warn_at: 80, enabled: true, scope: 'everything', channel: null, account_id: null, campaign_id: null,
    period: 'month', zone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC', ...budget,
  });
  const put = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const { name, amount_micros, warn_at, enabled, scope, channel, account_id, campaign_id, period, zone } = draft;
  const save = useMutation({
    mutationFn: () =>
      budget
        ? take(api.PUT('/v1/budgets/{budget_id}', { params: { path: { budget_id: budget.id } }, body: { name, amount_micros, warn_at, enabled } }))
        : take(api.POST('/v1/budgets', { body: { name, amount_micros, warn_at, enabled, scope, channel, account_id, campaign_id, period, zone } })),
    onSuccess: () => {
      done(t('budgets.saved', { name }));
      onSaved();
      onClose();
    },
  });
  return (
    <FormDrawer title={budget ? budget.name : t('budgets.new')} saving={save} disabled={amount_micros <= 0} onSubmit={() => save.mutate()} onClose={onClose}>
      <TextInput label={t('common.name')} required data-autofocus maxLength={100} value={name} onChange={(event) => put({ name: event.currentTarget.value })} />
      <MoneyInput label={t('budgets.amount')} required w={220} value={amount_micros || null} onChange={(micros) => put({ amount_micros: micros ?? 0 })} />
      <NumberInput label={t('budgets.warn_at')} w={140} min={1} max={100} suffix=" %" value={warn_at} onChange={(typed) => put({ warn_at: Number(typed) || 80 })} />
      {!budget && (
        <>
          <Select label={t('budgets.scope')} allowDeselect={false} data={SCOPES.map((one) => ({ value: one, label: t(`budgets.scope_${one}`) }))} value={scope} onChange={(next) => put({ scope: next as Draft['scope'], channel: null, account_id: null })} />
          {scope === 'channel' && <Select label={t('channels.channel')} required data={channels} value={channel} onChange={(next) => put({ channel: next })} />}
          {scope === 'account' && <Select label={t('channels.account')} required data={accounts.map((one) => ({ value: String(one.id), label: one.name }))} value={account_id === null ? null : String(account_id)} onChange={(id) => put({ account_id: id === null ? null : Number(id) })} />}
          <Select label={t('budgets.period')} allowDeselect={false} data={PERIODS.map((one) => ({ value: one, label: t(`budgets.period_${one}`) }))} value={period} onChange={(next) => put({ period: next as Draft['period'] })} />
          {period !== 'total' && <ZonePick label={t('campaigns.zone')} value={zone} onChange={(next) => put({ zone: next })} />}
        </>
      )}
      <Switch label={t('budgets.enabled')} description={t('budgets.enabled_hint')} checked={enabled} onChange={(event) => put({ enabled: event.currentTarget.checked })} />
    </FormDrawer>
  );
}
