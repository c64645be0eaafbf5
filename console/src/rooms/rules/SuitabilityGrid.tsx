import { Button, ScrollArea, Select } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { useChannelTitle, useKinds } from '../channels/vocabulary';
import { usePurposeTitle, useSuitability } from './purposes';
import styles from './rules.module.css';

type Row = Schema<'Suitability'>;
type Verdict = Row['verdict'];
const VERDICTS: Verdict[] = ['default', 'allowed', 'reserve', 'refused'];

/** Which channel suits which purpose: a line for each purpose, a column for each channel. */
export function SuitabilityGrid() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:rules');
  const title = useChannelTitle();
  const purposeTitle = usePurposeTitle();
  const kinds = useKinds().data ?? [];
  const stored = useSuitability();
  const [rows, setRows] = useState<Row[]>([]);
  useEffect(() => {
    if (stored.data) setRows(stored.data.rows);
  }, [stored.data]);
  const save = useMutation({
    mutationFn: () => take(api.PUT('/v1/delivery/suitability', { body: { rows } })),
    onSuccess: (saved) => {
      client.setQueryData(['suitability'], saved);
      done(t('rules.suitability_saved'));
    },
  });
  const channels = [...new Set([...kinds.map((one) => one.channel), ...rows.map((row) => row.channel)])];
  const verdictOf = (purpose: string, channel: string) => rows.find((row) => row.purpose === purpose && row.channel === channel)?.verdict ?? 'allowed';
  const put = (purpose: string, channel: string, verdict: Verdict) => {
    const others = rows.filter((row) => row.purpose !== purpose || row.channel !== channel);
    const rank = verdict === 'default' ? 1 + others.filter((row) => row.purpose === purpose && row.verdict === 'default').length : 0;
    setRows([...others, { purpose, channel, verdict, rank }]);
  };
  const dirty = stored.data !== undefined && JSON.stringify(rows) !== JSON.stringify(stored.data.rows);
  return (
    <Panel
      title={t('rules.suitability')}
      hint={t('rules.suitability_hint')}
      flush
      actions={may && <Button size="xs" disabled={!dirty} loading={save.isPending} onClick={() => save.mutate()}>{t('common.save')}</Button>}
    >
      <ProblemAlert error={stored.error ?? save.error} />
      <ScrollArea type="auto" p="md" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t('rules.suitability') }}>
        <table className={styles.grid}>
          <thead>
            <tr>
              <th scope="col">{t('campaigns.purpose')}</th>
              {channels.map((channel) => <th key={channel} scope="col">{title(channel)}</th>)}
            </tr>
          </thead>
          <tbody>
            {stored.data?.purposes.filter((one) => !one.archived_at).map((purpose) => {
              const name = purposeTitle(purpose.name);
              return (
                <tr key={purpose.name}>
                  <th scope="row">{name}</th>
                  {channels.map((channel) => (
                    <td key={channel}>
                      <Select
                        size="xs"
                        w={138}
                        disabled={!may}
                        allowDeselect={false}
                        aria-label={t('rules.cell', { purpose: name, channel: title(channel) })}
                        className={styles.verdict}
                        data-verdict={verdictOf(purpose.name, channel)}
                        wrapperProps={{ 'data-verdict': verdictOf(purpose.name, channel) }}
                        data={VERDICTS.map((one) => ({ value: one, label: t(`rules.verdict_${one}`) }))}
                        value={verdictOf(purpose.name, channel)}
                        onChange={(verdict) => put(purpose.name, channel, verdict as Verdict)}
                      />
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </ScrollArea>
    </Panel>
  );
}
