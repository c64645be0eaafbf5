import { Button, Group, NumberInput, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { MoneyInput } from '@/design/money';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { DomainLimits } from './DomainLimits';
import type { Health, Terms } from './health';
import { Prices } from './Prices';
import { WarmupEditor } from './WarmupEditor';

const numberOf = (typed: string | number) => (typed === '' ? null : Number(typed));

/** How fast, how many a day, from how few at first, and at what price an account speaks. */
export function TermsPanel({ health }: { health: Health }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:accounts');
  const [terms, setTerms] = useState<Terms>(health.terms);
  const put = (part: Partial<Terms>) => setTerms({ ...terms, ...part });
  const save = useMutation({
    mutationFn: () => take(api.PUT('/v1/delivery/accounts/{account_id}/terms', { params: { path: { account_id: health.account_id } }, body: terms })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['accounts-health'] });
      done(t('channels.terms_saved'));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Panel title={t('channels.terms')} hint={t('channels.terms_hint')}>
      <form onSubmit={submit}>
        <fieldset disabled={!may} style={{ border: 0, margin: 0, padding: 0 }}>
          <Stack gap="md">
            <ProblemAlert error={save.error} />
            <Group align="flex-start">
              <NumberInput label={t('channels.per_second')} placeholder={t('channels.no_limit')} w={160} min={0} decimalScale={2} value={terms.per_second ?? ''} onChange={(typed) => put({ per_second: numberOf(typed) })} />
              <NumberInput label={t('channels.per_day')} placeholder={t('channels.no_limit')} w={160} min={0} allowDecimal={false} thousandSeparator=" " value={terms.per_day ?? ''} onChange={(typed) => put({ per_day: numberOf(typed) })} />
              <MoneyInput label={t('channels.price')} placeholder={t('channels.own_price')} w={190} value={terms.price_micros ?? null} onChange={(price_micros) => put({ price_micros })} />
            </Group>
            <WarmupEditor value={terms.warmup ?? null} onChange={(warmup) => put({ warmup })} />
            {health.channel === 'email' && <DomainLimits value={terms.domains} onChange={(domains) => put({ domains })} />}
            {health.channel !== 'email' && <Prices value={terms.prices} onChange={(prices) => put({ prices })} />}
            {may && <Group justify="flex-end"><Button type="submit" loading={save.isPending}>{t('common.save')}</Button></Group>}
          </Stack>
        </fieldset>
      </form>
    </Panel>
  );
}
