import { ActionIcon, Autocomplete, Button, Group, NumberInput, SegmentedControl, Select, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { IconPlus, IconTrash } from '@/design/icons';
import { MatchEditor } from '../../campaigns/steps/TriggerEditor';
import type { Filter, Node } from '../../segments/types';
import { propertiesOf, useCatalogue } from '../../segments/vocabulary';
import { freshKey } from '../graph';
import type { Again, Definition, EventMatch, ExitRule, Goal } from '../model';
import { ConditionField } from './ConditionField';
import { DAY, EVERYBODY, NEW_MATCH } from './form';
import styles from './forms.module.css';

/** How often one person may come in. */
export function AgainForm({ definition, onChange }: { definition: Definition; onChange: (again: Again) => void }) {
  const { t } = useTranslation();
  const catalogue = useCatalogue();
  const { again } = definition;
  const properties = definition.entries.flatMap((one) => (one.kind === 'event' ? propertiesOf(catalogue, one.match.event) : []));
  const put = (part: Partial<Again>) => onChange({ ...again, ...part });
  return (
    <Stack gap="sm">
      <Select
        label={t('journeys.again')}
        allowDeselect={false}
        data={(['once', 'period', 'key', 'always'] as const).map((one) => ({ value: one, label: t(`journeys.again_${one}`) }))}
        value={again.rule}
        onChange={(rule) => put({ rule: rule as Again['rule'], period_seconds: rule === 'period' ? 30 * DAY : null, key: rule === 'key' ? again.key : [] })}
      />
      {again.rule === 'period' && <DurationInput label={t('campaigns.period')} value={again.period_seconds ?? 30 * DAY} min={60} onChange={(period_seconds) => put({ period_seconds })} />}
      {again.rule === 'key' && <TagsInput label={t('campaigns.key')} description={t('journeys.key_hint')} maxTags={5} data={[...new Set(properties)]} value={again.key} onChange={(key) => put({ key })} />}
      {again.rule !== 'once' && <NumberInput label={t('journeys.at_once')} description={t('journeys.at_once_hint')} w={260} min={1} max={1000} value={again.at_once} onChange={(at_once) => put({ at_once: Number(at_once) || 1 })} />}
    </Stack>
  );
}

interface EventOrConditionProps {
  label: string;
  event: EventMatch | null;
  condition: Node | null;
  onChange: (part: { event: EventMatch | null; condition: Node | null }) => void;
}

/** Something somebody does, or something that is true of them. */
function EventOrCondition({ label, event, condition, onChange }: EventOrConditionProps) {
  const { t } = useTranslation();
  const how = condition ? 'condition' : 'event';
  const match = event ?? { ...NEW_MATCH, filters: [] };
  return (
    <>
      <SegmentedControl
        size="xs"
        aria-label={label}
        data={[{ value: 'event', label: t('journeys.by_event') }, { value: 'condition', label: t('journeys.by_condition') }]}
        value={how}
        onChange={(next) => onChange(next === 'event' ? { event: { ...NEW_MATCH, filters: [] }, condition: null } : { event: null, condition: EVERYBODY as unknown as Node })}
      />
      {how === 'event' ? (
        <MatchEditor event={match.event} filters={(match.filters ?? []) as Filter[]} onChange={(part) => onChange({ event: { ...match, ...part }, condition: null })} />
      ) : (
        <ConditionField label={t('steps.field.condition')} value={condition} onChange={(node) => onChange({ event: null, condition: node })} />
      )}
    </>
  );
}

/** Who leaves wherever they are. */
export function ExitsForm({ exits, onChange }: { exits: ExitRule[]; onChange: (exits: ExitRule[]) => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      {exits.map((rule, at) => {
        const put = (part: Partial<ExitRule>) => onChange(exits.with(at, { ...rule, ...part }));
        return (
          <Stack key={at} gap="xs" className={styles.entry} role="group" aria-label={rule.reason}>
            <Group gap="xs" wrap="nowrap" align="flex-end">
              <TextInput style={{ flex: 1 }} label={t('journeys.exit_reason')} required maxLength={40} value={rule.reason} onChange={(event) => put({ reason: event.currentTarget.value.toLowerCase().replace(/[^a-z0-9_]/g, '_') })} />
              <ActionIcon variant="subtle" color="red" mb={5} aria-label={t('steps.field.remove', { way: rule.reason })} onClick={() => onChange(exits.toSpliced(at, 1))}><IconTrash size={15} /></ActionIcon>
            </Group>
            <EventOrCondition label={t('journeys.exit_when')} event={rule.event} condition={rule.condition} onChange={put} />
          </Stack>
        );
      })}
      <Button size="xs" variant="default" w="fit-content" leftSection={<IconPlus size={14} />} disabled={exits.length >= 20} onClick={() => onChange([...exits, { reason: freshKey('left', new Set(exits.map((one) => one.reason))), event: { ...NEW_MATCH, filters: [] }, condition: null }])}>
        {t('journeys.add_exit')}
      </Button>
    </Stack>
  );
}

/** What the journey is for. */
export function GoalForm({ goal, onChange }: { goal: Goal | null; onChange: (goal: Goal | null) => void }) {
  const { t } = useTranslation();
  const properties = propertiesOf(useCatalogue(), goal?.event?.event ?? '');
  return (
    <Stack gap="sm">
      <Switch label={t('journeys.has_goal')} checked={goal !== null} onChange={(event) => onChange(event.currentTarget.checked ? { event: { ...NEW_MATCH, filters: [] }, condition: null, value: null, ends: true } : null)} />
      {goal && (
        <>
          <EventOrCondition label={t('journeys.goal')} event={goal.event} condition={goal.condition} onChange={(part) => onChange({ ...goal, ...part, value: part.event ? goal.value : null })} />
          {goal.event && <Autocomplete label={t('campaigns.goal_value')} description={t('campaigns.goal_value_hint')} data={properties} value={goal.value ?? ''} onChange={(typed) => onChange({ ...goal, value: typed.trim() || null })} />}
          <Switch label={t('journeys.goal_ends')} checked={goal.ends} onChange={(event) => onChange({ ...goal, ends: event.currentTarget.checked })} />
        </>
      )}
    </Stack>
  );
}

/** How the journey stands beside others. */
export function BesidesForm({ definition, onChange }: { definition: Definition; onChange: (part: Partial<Definition>) => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <NumberInput label={t('journeys.holdout')} description={t('journeys.holdout_hint')} w={200} min={0} max={50} decimalScale={1} suffix=" %" value={definition.holdout_percent} onChange={(percent) => onChange({ holdout_percent: Number(percent) || 0 })} />
      <NumberInput label={t('journeys.most_inside')} description={t('journeys.most_inside_hint')} w={240} min={1} thousandSeparator=" " value={definition.most_inside ?? ''} onChange={(most) => onChange({ most_inside: most === '' ? null : Number(most) })} />
      <TextInput label={t('journeys.exclusive')} description={t('journeys.exclusive_hint')} maxLength={60} value={definition.exclusive} onChange={(event) => onChange({ exclusive: event.currentTarget.value })} />
      <NumberInput label={t('journeys.priority')} description={t('journeys.priority_hint')} w={200} min={0} max={9} value={definition.priority} onChange={(priority) => onChange({ priority: Number(priority) })} />
      {definition.exclusive !== '' && <Switch label={t('journeys.displaces')} checked={definition.displaces} onChange={(event) => onChange({ displaces: event.currentTarget.checked })} />}
      <Switch label={t('journeys.keep_entries')} description={t('journeys.keep_entries_hint')} checked={definition.while_paused.entries === 'keep'} onChange={(event) => onChange({ while_paused: { ...definition.while_paused, entries: event.currentTarget.checked ? 'keep' : 'drop' } })} />
      {definition.while_paused.entries === 'keep' && <NumberInput label={t('journeys.keep_most')} w={240} min={1} max={1_000_000} thousandSeparator=" " value={definition.while_paused.most} onChange={(most) => onChange({ while_paused: { ...definition.while_paused, most: Number(most) || 1 } })} />}
      <Text size="xs" c="dimmed">{t('journeys.zone_hint')}</Text>
    </Stack>
  );
}
