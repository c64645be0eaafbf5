import { ActionIcon, Checkbox, Group, Menu, Button, Select, Stack, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { IconPlus, IconTrash } from '@/design/icons';
import { newRecurrence, RecurrenceEditor } from '../../campaigns/steps/RecurrenceEditor';
import { MatchEditor } from '../../campaigns/steps/TriggerEditor';
import { WhenAndZone } from './WhenAndZone';
import { SegmentPicker } from '../../segments/SegmentPicker';
import type { Filter } from '../../segments/types';
import type { Entry } from '../model';
import { NEW_MATCH } from './form';
import styles from './forms.module.css';

const KINDS: Entry['kind'][] = ['segment', 'event', 'schedule', 'api', 'import'];

function made(kind: Entry['kind']): Entry {
  switch (kind) {
    case 'segment':
      return { kind, segment_id: 0, when: 'entered', present: false };
    case 'event':
      return { kind, match: { ...NEW_MATCH, filters: [] }, fresh_seconds: 86_400 };
    case 'schedule':
      return { kind, segment_id: 0, start: newRecurrence('UTC').starts, zone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC', rule: '' };
    case 'api':
      return { kind };
    case 'import':
      return { kind, source: '' };
  }
}

function Schedule({ entry, onChange }: { entry: Extract<Entry, { kind: 'schedule' }>; onChange: (entry: Entry) => void }) {
  const { t } = useTranslation();
  const again = entry.rule !== '';
  return (
    <>
      <SegmentPicker label={t('journeys.segment')} value={entry.segment_id || null} onChange={(id) => onChange({ ...entry, segment_id: id ?? 0 })} />
      <Checkbox label={t('journeys.repeats')} checked={again} onChange={(event) => onChange({ ...entry, rule: event.currentTarget.checked ? 'FREQ=WEEKLY' : '' })} />
      {again ? (
        <RecurrenceEditor
          value={{ ...newRecurrence(entry.zone), rule: entry.rule, starts: entry.start, zone: entry.zone }}
          onChange={(next) => onChange({ ...entry, rule: next.rule, start: next.starts, zone: next.zone ?? entry.zone })}
        />
      ) : (
        <WhenAndZone start={entry.start} zone={entry.zone} onChange={(part) => onChange({ ...entry, ...part })} />
      )}
    </>
  );
}

function EntryFields({ entry, onChange }: { entry: Entry; onChange: (entry: Entry) => void }) {
  const { t } = useTranslation();
  switch (entry.kind) {
    case 'segment':
      return (
        <>
          <SegmentPicker label={t('journeys.segment')} value={entry.segment_id || null} onChange={(id) => onChange({ ...entry, segment_id: id ?? 0 })} />
          <Select
            label={t('common.when')}
            allowDeselect={false}
            data={(['entered', 'left'] as const).map((one) => ({ value: one, label: t(`journeys.when_${one}`) }))}
            value={entry.when}
            onChange={(when) => onChange({ ...entry, when: when as 'entered' | 'left' })}
          />
          {entry.when === 'entered' && <Checkbox label={t('journeys.present')} checked={entry.present} onChange={(event) => onChange({ ...entry, present: event.currentTarget.checked })} />}
        </>
      );
    case 'event':
      return (
        <>
          <MatchEditor event={entry.match.event} filters={(entry.match.filters ?? []) as Filter[]} onChange={(part) => onChange({ ...entry, match: { ...entry.match, ...part } })} />
          <DurationInput label={t('campaigns.fresh')} description={t('campaigns.fresh_hint')} value={entry.fresh_seconds} min={60} onChange={(fresh_seconds) => onChange({ ...entry, fresh_seconds })} />
        </>
      );
    case 'schedule':
      return <Schedule entry={entry} onChange={onChange} />;
    case 'api':
      return <Text size="sm" c="dimmed">{t('journeys.entry_api_hint')}</Text>;
    case 'import':
      return <TextInput label={t('journeys.import_source')} placeholder={t('journeys.any_import')} maxLength={200} value={entry.source} onChange={(event) => onChange({ ...entry, source: event.currentTarget.value })} />;
  }
}

/** All ways into the journey. */
export function EntriesForm({ entries, onChange }: { entries: Entry[]; onChange: (entries: Entry[]) => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      {entries.map((entry, at) => (
        <Stack key={at} gap="xs" className={styles.entry} role="group" aria-label={t(`journeys.entry_kind.${entry.kind}`)}>
          <Group justify="space-between" wrap="nowrap">
            <Text size="sm" fw={600}>{t(`journeys.entry_kind.${entry.kind}`)}</Text>
            <ActionIcon variant="subtle" color="red" aria-label={t('journeys.remove_entry', { entry: t(`journeys.entry_kind.${entry.kind}`) })} onClick={() => onChange(entries.toSpliced(at, 1))}><IconTrash size={15} /></ActionIcon>
          </Group>
          <EntryFields entry={entry} onChange={(changed) => onChange(entries.with(at, changed))} />
        </Stack>
      ))}
      <Menu position="bottom-start">
        <Menu.Target><Button size="xs" variant="default" w="fit-content" leftSection={<IconPlus size={14} />}>{t('journeys.add_entry')}</Button></Menu.Target>
        <Menu.Dropdown>{KINDS.map((kind) => <Menu.Item key={kind} onClick={() => onChange([...entries, made(kind)])}>{t(`journeys.entry_kind.${kind}`)}</Menu.Item>)}</Menu.Dropdown>
      </Menu>
    </Stack>
  );
}

