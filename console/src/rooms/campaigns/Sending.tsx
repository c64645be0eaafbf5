import { Group, Progress, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { Status } from '@/design/Status';
import { useHealth } from '../channels/health';
import { HealthMark } from '../channels/HealthPanel';
import styles from './campaigns.module.css';

type Campaign = Schema<'Campaign'>;
type Report = Schema<'Report'>;
/** A rate is taken over this long, so that it neither jumps nor lags. */
const SPAN = 8000;

/** Messages a second, from how the count moved lately. */
function useRate(sent: number): number | null {
  const seen = useRef<{ at: number; sent: number }[]>([]);
  const [rate, setRate] = useState<number | null>(null);
  useEffect(() => {
    const now = Date.now();
    seen.current = [...seen.current.filter((one) => now - one.at < SPAN), { at: now, sent }];
    const first = seen.current[0];
    if (first && now - first.at > 900) setRate((1000 * (sent - first.sent)) / (now - first.at));
  }, [sent]);
  return rate;
}

/** A campaign while it is sent: how far, how fast, how many in each state, and how its channel's accounts fare. */
export function Sending({ campaign, report }: { campaign: Campaign; report: Report }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rate = useRate(report.sent);
  const health = useHealth().data ?? [];
  const channels = new Set([campaign.channel, ...(campaign.hops ?? []).map((hop) => hop.channel)]);
  const accounts = health.filter((one) => channels.has(one.channel) && one.enabled && (campaign.account_id === null || one.account_id === campaign.account_id || one.channel !== campaign.channel));
  const settled = report.audience - report.undecided - report.waiting;
  const states = [
    ['planned', report.undecided], ['queued', report.waiting], ['sent', report.sent - report.delivered - report.bounced],
    ['delivered', report.delivered], ['bounced', report.bounced], ['failed', report.failed], ['unknown', report.unknown], ['suppressed', report.suppressed],
  ] as const;
  const live = campaign.state === 'sending' || campaign.state === 'running';
  return (
    <Panel>
      <Group justify="space-between" mb={6}>
        <Text size="sm" fw={570}>{t(`campaigns.progress_${campaign.state}`, { defaultValue: t('campaigns.progress_sending') })}</Text>
        <Text size="sm" c="dimmed" className="tabular">
          {rate !== null && live && `${t('campaigns.rate', { shown: format.number(Math.round(rate)) })} · `}
          {report.audience > 0 ? t('common.of_total', { part: format.number(settled), total: format.number(report.audience) }) : t('campaigns.nobody_yet')}
        </Text>
      </Group>
      <Progress value={report.audience > 0 ? (100 * settled) / report.audience : 0} size="lg" radius="xl" animated={live} aria-label={t('campaigns.progress_of', { name: campaign.name })} />
      <div className={styles.flow} style={{ marginTop: 14 }}>
        {states.filter(([, many]) => many > 0).map(([state, many]) => (
          <Group key={state} gap={8} wrap="nowrap"><Status state={state} size="sm" /><Text size="sm" className="tabular">{format.number(many)}</Text></Group>
        ))}
      </div>
      {accounts.length > 0 && (
        <Stack gap={4} mt="md">
          {accounts.map((one) => (
            <Group key={one.account_id} gap="sm">
              <Text size="sm" fw={550} w={240} truncate>{one.name}</Text>
              <HealthMark health={one} />
              <Text size="xs" c="dimmed">{t('channels.lately', { sent: format.number(one.sent), failed: format.number(one.failed) })}</Text>
            </Group>
          ))}
        </Stack>
      )}
    </Panel>
  );
}
