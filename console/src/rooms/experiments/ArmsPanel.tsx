import { Alert, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DataTable } from '@/design/DataTable';
import { useFormat } from '@/design/format';
import { IconAlert } from '@/design/icons';
import { Panel } from '@/design/Panel';
import type { Results, Shown } from './draft';
import { useFigures } from './figures';

/** Alarms, each with what it means and what to do. */
export function Alarms({ found, titleOf }: { found: Results; titleOf: (arm: string) => string }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <>
      {found.alarms.map((alarm) => (
        <Alert key={`${alarm.kind} ${alarm.metric} ${alarm.arm}`} color="red" variant="light" icon={<IconAlert size={18} />} title={t(`experiments.alarm_${alarm.kind}`, { metric: alarm.metric, arm: titleOf(alarm.arm ?? '') })}>
          <Text size="sm">{t(`experiments.alarm_${alarm.kind}_hint`)}</Text>
          <Text size="xs" c="dimmed" mt={4}>{t('experiments.alarm_since', { when: format.dateTime(alarm.since) })}</Text>
        </Alert>
      ))}
    </>
  );
}

/** How many came into each arm, and whether that is as it should be. */
export function ArmsPanel({ one, found, titleOf }: { one: Shown; found: Results; titleOf: (arm: string) => string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const figures = useFigures();
  const { ratio } = found;
  return (
    <Panel title={t('experiments.people')} label={t('experiments.people')} hint={found.first_at ? t('experiments.exposed_from', { from: format.dateTime(found.first_at), to: format.dateTime(found.last_at) }) : undefined}>
      <Stack gap="xs">
        <DataTable
          label={t('experiments.people')}
          rows={found.arms}
          rowKey={(arm) => arm.arm}
          columns={[
            { key: 'arm', head: t('experiments.arm'), cell: (arm) => <Text size="sm" fw={550}>{titleOf(arm.arm)}</Text> },
            { key: 'people', head: t('experiments.exposed'), right: true, cell: (arm) => format.number(arm.people) },
            { key: 'share', head: t('experiments.share'), right: true, cell: (arm) => format.percent(arm.people, found.people) },
            { key: 'expected', head: t('experiments.expected'), right: true, cell: (arm) => format.percent(arm.expected, found.people) },
          ]}
        />
        {ratio && found.people > 0 && <Text size="xs" c="dimmed">{t(ratio.alarm ? 'experiments.ratio_bad' : 'experiments.ratio_good', { p: figures.chance(ratio.p) })}</Text>}
        {one.kind === 'holdout' && <Text size="xs" c="dimmed">{t('experiments.holdout_note')}</Text>}
        {one.kind === 'adopted' && <Text size="xs" c="dimmed">{t('experiments.adopted_note')}</Text>}
        {found.crossed > 0 && <Text size="xs" c="dimmed">{t('experiments.crossed', { count: found.crossed, shown: format.number(found.crossed) })}</Text>}
      </Stack>
    </Panel>
  );
}
