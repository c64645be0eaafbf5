import { Alert, Button, Group, NumberInput, Select, Stack, Switch } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';

const UNIVERSAL = 'universal';
type Change = Schema<'HoldoutChange'>;
const PERIODS = ['always', 'month', 'quarter', 'year'] as const;

/** The share of everybody that no marketing is said to, so that one sees what all of it brings. */
export function Holdouts() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('experiments:write');
  const [dialog, ask] = useConfirm();
  const stored = useQuery({ queryKey: ['holdouts'], queryFn: () => take(api.GET('/v1/holdouts')) });
  const found = stored.data?.find((one) => one.name === UNIVERSAL);
  const [change, setChange] = useState<Change>({ percent: 5, title: '', period: 'quarter', enabled: false, redraw: false });
  useEffect(() => {
    if (found) setChange({ percent: found.percent, title: found.title, period: found.period, enabled: found.enabled, redraw: false });
  }, [found]);
  const put = (part: Partial<Change>) => setChange({ ...change, ...part });
  const save = useMutation({
    mutationFn: (body: Change) => take(api.PUT('/v1/holdouts/{name}', { params: { path: { name: UNIVERSAL } }, body })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['holdouts'] });
      done(t('rules.holdout_saved'));
    },
  });
  const redraw = async () => {
    if (await ask({ title: t('rules.redraw_title'), body: t('rules.redraw_body'), confirm: t('rules.redraw'), danger: true })) save.mutate({ ...change, redraw: true });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(change);
  };
  return (
    <Panel title={t('rules.holdout')} hint={t('rules.holdout_hint')}>
      <ProblemAlert error={stored.error ?? save.error} />
      <form onSubmit={submit}>
        <Stack gap="sm" maw={560}>
          <Switch label={t('rules.holdout_on')} disabled={!may} checked={change.enabled ?? false} onChange={(event) => put({ enabled: event.currentTarget.checked })} />
          <Group align="flex-end">
            <NumberInput label={t('rules.holdout_percent')} w={140} disabled={!may} min={0} max={50} decimalScale={1} suffix=" %" value={change.percent} onChange={(typed) => put({ percent: Number(typed) || 0 })} />
            <Select label={t('rules.holdout_period')} w={220} disabled={!may} allowDeselect={false} data={PERIODS.map((one) => ({ value: one, label: t(`rules.period_${one}`) }))} value={change.period ?? 'quarter'} onChange={(period) => put({ period: period as Change['period'] })} />
          </Group>
          <Alert variant="light" color="gray">{t('rules.holdout_note')}</Alert>
          {may && (
            <Group justify="flex-end">
              {found && <Button variant="default" onClick={() => void redraw()}>{t('rules.redraw')}</Button>}
              <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
            </Group>
          )}
        </Stack>
      </form>
      {dialog}
    </Panel>
  );
}
