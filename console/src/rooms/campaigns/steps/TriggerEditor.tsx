import { Group, Select, Stack, TagsInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { DurationInput } from '@/design/DurationInput';
import { AddFilter, Filters } from '../../segments/builder/Filters';
import { EventPick } from '../../segments/builder/inputs';
import type { Filter } from '../../segments/types';
import { propertiesOf, useCatalogue } from '../../segments/vocabulary';

type Trigger = Schema<'Trigger'>;

export const NEW_TRIGGER: Trigger = { event: '', kind: 'track', filters: [], again: 'every', period_seconds: null, key: [], delay_seconds: 0, fresh_seconds: 86_400 };

interface MatchProps {
  event: string;
  filters: Filter[];
  onChange: (part: { event?: string; filters?: Filter[] }) => void;
}

/** An event by its name, and what must hold of it. */
export function MatchEditor({ event, filters, onChange }: MatchProps) {
  const { t } = useTranslation();
  return (
    <div>
      <Group gap="xs" align="flex-end">
        <EventPick label={t('campaigns.event')} w={260} value={event} onChange={(name) => onChange({ event: name })} />
        <AddFilter where={filters} onChange={(changed) => onChange({ filters: changed })} />
      </Group>
      <Filters event={event} where={filters} onChange={(changed) => onChange({ filters: changed })} />
    </div>
  );
}

/** What a triggered campaign answers: which event, how often one person, and how soon. */
export function TriggerEditor({ value, onChange }: { value: Trigger; onChange: (value: Trigger) => void }) {
  const { t } = useTranslation();
  const properties = propertiesOf(useCatalogue(), value.event);
  const put = (part: Partial<Trigger>) => onChange({ ...value, ...part });
  return (
    <Stack gap="sm">
      <MatchEditor event={value.event} filters={(value.filters ?? []) as Filter[]} onChange={(part) => put(part as Partial<Trigger>)} />
      <Select
        label={t('campaigns.again')}
        maw={330}
        allowDeselect={false}
        data={(['every', 'once', 'period', 'key'] as const).map((one) => ({ value: one, label: t(`campaigns.again_${one}`) }))}
        value={value.again ?? 'every'}
        onChange={(again) => put({ again: again as Trigger['again'], period_seconds: again === 'period' ? 86_400 : null, key: again === 'key' ? value.key : [] })}
      />
      {value.again === 'period' && <DurationInput label={t('campaigns.period')} value={value.period_seconds ?? 86_400} min={60} onChange={(period_seconds) => put({ period_seconds })} />}
      {value.again === 'key' && (
        <TagsInput label={t('campaigns.key')} description={t('campaigns.key_hint')} maw={420} maxTags={5} data={properties} value={value.key ?? []} onChange={(key) => put({ key })} />
      )}
      <DurationInput label={t('campaigns.delay')} description={t('campaigns.delay_hint')} value={value.delay_seconds ?? 0} onChange={(delay_seconds) => put({ delay_seconds })} />
      <DurationInput label={t('campaigns.fresh')} description={t('campaigns.fresh_hint')} value={value.fresh_seconds ?? 86_400} min={60} onChange={(fresh_seconds) => put({ fresh_seconds })} />
    </Stack>
  );
}
