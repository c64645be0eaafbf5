import { Autocomplete, Button, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { IconPlus } from '@/design/icons';
import { MatchEditor } from '../campaigns/steps/TriggerEditor';
import type { Filter } from '../segments/types';
import { propertiesOf, useCatalogue } from '../segments/vocabulary';
import { NEW_METRIC, takesProperty, type Kind, type MetricDraft } from './draft';
import styles from './experiments.module.css';

const KINDS = ['conversion', 'count', 'sum', 'mean'] as const;
const ROLES = ['primary', 'secondary', 'guardrail'] as const;
const MOST = 20;

/** One measure: of which event, within how long, and what it is for. */
export function MetricEditor({ metric, onChange, onRemove }: { metric: MetricDraft; onChange: (metric: MetricDraft) => void; onRemove?: () => void }) {
  const { t } = useTranslation();
  const properties = propertiesOf(useCatalogue(), metric.event);
  const put = (part: Partial<MetricDraft>) => onChange({ ...metric, ...part });
  return (
    <fieldset className={styles.metric} aria-label={metric.name || t('experiments.metric')}>
      <Stack gap="sm">
        <Group align="flex-start" gap="sm">
          <TextInput label={t('common.name')} w={230} required maxLength={100} value={metric.name} onChange={(event) => put({ name: event.currentTarget.value })} />
          <Select label={t('experiments.measure')} w={250} allowDeselect={false} data={KINDS.map((one) => ({ value: one, label: t(`experiments.kind_${one}`) }))} value={metric.kind} onChange={(kind) => put({ kind: kind as Kind })} />
          <Select label={t('experiments.role')} w={170} allowDeselect={false} data={ROLES.map((one) => ({ value: one, label: t(`experiments.role_${one}`) }))} value={metric.role} onChange={(role) => put({ role: role as MetricDraft['role'] })} />
        </Group>
        <MatchEditor event={metric.event} filters={metric.where} onChange={(part) => put({ ...(part.event !== undefined && { event: part.event }), ...(part.filters && { where: part.filters as Filter[] }) })} />
        <Group align="flex-end" gap="sm">
          {takesProperty(metric.kind) && <Autocomplete label={t('experiments.property')} w={200} data={properties} value={metric.property} onChange={(property) => put({ property })} />}
          <DurationInput label={t('experiments.within')} min={3600} value={metric.within_hours * 3600} onChange={(seconds) => put({ within_hours: Math.max(1, Math.round(seconds / 3600)) })} />
          <Select label={t('experiments.good')} w={150} allowDeselect={false} data={(['up', 'down'] as const).map((one) => ({ value: one, label: t(`experiments.good_${one}`) }))} value={metric.good} onChange={(good) => put({ good: good as MetricDraft['good'] })} />
          {metric.kind !== 'mean' && <NumberInput label={t('experiments.before')} w={190} min={0} max={365} value={metric.before_days} onChange={(typed) => put({ before_days: Number(typed) || 0 })} />}
          {metric.role === 'guardrail' && <NumberInput label={t('experiments.margin')} w={150} min={0} max={100} decimalScale={1} suffix=" %" value={Math.round(metric.margin * 1000) / 10} onChange={(typed) => put({ margin: (Number(typed) || 0) / 100 })} />}
        </Group>
        {onRemove && <Group justify="flex-end"><Button size="compact-xs" variant="subtle" color="red" onClick={onRemove}>{t('experiments.remove_metric')}</Button></Group>}
      </Stack>
    </fieldset>
  );
}

/** What is measured: one main measure, others to look at, and guardrails that must not suffer. */
export function MetricsEditor({ metrics, onChange }: { metrics: MetricDraft[]; onChange: (metrics: MetricDraft[]) => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <Text size="xs" c="dimmed">{t('experiments.metrics_hint')}</Text>
      {metrics.map((metric, place) => (
        <MetricEditor key={place} metric={metric} onChange={(next) => onChange(metrics.with(place, next))} onRemove={() => onChange(metrics.toSpliced(place, 1))} />
      ))}
      {metrics.length < MOST && (
        <div>
          <Button size="compact-sm" variant="light" leftSection={<IconPlus size={14} />} onClick={() => onChange([...metrics, { ...NEW_METRIC, role: metrics.some((one) => one.role === 'primary') ? 'secondary' : 'primary' }])}>
            {t('experiments.add_metric')}
          </Button>
        </div>
      )}
    </Stack>
  );
}
