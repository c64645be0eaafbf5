import { Button, Group, Progress, Stack, Text, UnstyledButton } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconCoins, IconPlus } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { useMoney } from '@/design/money';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { CampaignName } from '../campaigns/CampaignName';
import { useChannelTitle } from '../channels/vocabulary';
import { BudgetEditor } from './BudgetEditor';
import { Costs } from './Costs';
import styles from './budgets.module.css';

type Budget = Schema<'BudgetShown'>;

/** One budget as a bar: what is spent, what is promised to messages on their way, and where it warns. */
export function BudgetBar({ budget }: { budget: Budget }) {
  const { t } = useTranslation();
  const money = useMoney();
  const format = useFormat();
  const share = (micros: number) => (budget.amount_micros > 0 ? (100 * micros) / budget.amount_micros : 100);
  const gone = budget.exhausted_at !== null;
  const colour = gone ? 'red' : share(budget.spent_micros + budget.reserved_micros) >= budget.warn_at ? 'orange' : 'teal';
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm">{t('budgets.spent_of', { spent: money(budget.spent_micros), amount: money(budget.amount_micros) })}</Text>
        <Text size="sm" c="dimmed">{t('budgets.left', { left: money(budget.left_micros) })}</Text>
      </Group>
      <div className={styles.bar}>
        <Progress.Root size="lg">
          <Progress.Section value={Math.min(100, share(budget.spent_micros))} color={colour} aria-label={t('budgets.spent')} />
          <Progress.Section value={Math.min(100, share(budget.reserved_micros))} color="gray" striped aria-label={t('budgets.reserved')} />
        </Progress.Root>
        <span className={styles.warn} style={{ left: `${budget.warn_at}%` }} aria-hidden />
      </div>
      <Text size="xs" c="dimmed" mt={4}>
        {t('budgets.warns_at', { share: format.percent(budget.warn_at, 100), reserved: money(budget.reserved_micros) })}
      </Text>
    </div>
  );
}

/** What may be spent, what is, and on what. */
export default function BudgetsPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:budgets');
  const title = useChannelTitle();
  const [editing, setEditing] = useState<Budget | 'new' | null>(null);
  const [dialog, ask] = useConfirm();
  const list = usePages(['budgets'], (cursor) => take(api.GET('/v1/budgets', { params: { query: { cursor, limit: 50 } } })), { refetchInterval: 5000 });
  const refresh = () => void client.invalidateQueries({ queryKey: ['budgets'] });
  const remove = useMutation({
    mutationFn: (budget: Budget) => take(api.DELETE('/v1/budgets/{budget_id}', { params: { path: { budget_id: budget.id } } })),
    onSuccess: () => {
      refresh();
      done(t('budgets.removed'));
    },
    onError: failed,
  });
  const confirm = async (budget: Budget) => {
    if (await ask({ title: t('budgets.remove_title', { name: budget.name }), body: t('budgets.remove_body'), confirm: t('common.remove'), danger: true })) remove.mutate(budget);
  };
  const scope = (one: Budget) =>
    ({ everything: t('budgets.scope_everything'), channel: title(one.channel ?? ''), account: one.account_name ?? '', campaign: t('delivery.only_campaign_id', { id: one.campaign_id }) })[one.scope];
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>{t('budgets.new')}</Button>;
  return (
    <Page title={t('nav.budgets')} lead={t('budgets.lead')} actions={add}>
      <Stack>
        <ProblemAlert error={list.error} onRetry={list.retry} />
        <div className={styles.grid}>
          {list.rows?.map((budget) => (
            <article key={budget.id} className={styles.card} aria-label={budget.name}>
              <Group justify="space-between" wrap="nowrap">
                <UnstyledButton onClick={() => may && setEditing(budget)}><Text size="sm" fw={600}>{budget.name}</Text></UnstyledButton>
                {budget.exhausted_at ? <Mark colour="red">{t('budgets.exhausted')}</Mark> : budget.warned_at ? <Mark colour="orange">{t('budgets.warned')}</Mark> : <Mark colour={budget.enabled ? 'teal' : 'gray'}>{t(budget.enabled ? 'budgets.holds' : 'channels.off')}</Mark>}
              </Group>
              <Text size="xs" c="dimmed">{budget.campaign_id === null ? scope(budget) : <CampaignName id={budget.campaign_id} />} · {t(`budgets.period_${budget.period}`)}</Text>
              <BudgetBar budget={budget} />
              {may && <Group justify="flex-end"><Button size="compact-xs" variant="subtle" color="red" onClick={() => void confirm(budget)} aria-label={t('budgets.remove_of', { name: budget.name })}>{t('common.remove')}</Button></Group>}
            </article>
          ))}
        </div>
        {list.rows?.length === 0 && <Panel><EmptyState icon={IconCoins} title={t('budgets.empty')} action={add}>{t('budgets.empty_hint')}</EmptyState></Panel>}
        <Costs />
      </Stack>
      {editing && <BudgetEditor budget={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onSaved={refresh} />}
      {dialog}
    </Page>
  );
}
