import { Checkbox, Chip, Group, Input, NumberInput, SegmentedControl, Select, Stack, Switch, TextInput } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import { MatchEditor } from '../../campaigns/steps/TriggerEditor';
import { TraitPick } from '../../segments/builder/inputs';
import type { Filter } from '../../segments/types';
import type { EventMatch } from '../model';
import { useStepName } from '../told';
import { DAY, listOf, NEW_MATCH, numberOf, textOf, type FormProps } from './form';

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
/** An instant says its zone; without one it is a wall time, where each person is. */
const ZONED = /(Z|[+-]\d\d:?\d\d)$/;

export function WaitForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  return <DurationInput label={t('steps.field.how_long')} value={numberOf(settings.seconds, DAY)} min={60} onChange={(seconds) => put({ seconds })} />;
}

/** How long at most, or for ever. */
export function Timeout({ settings, put }: Pick<FormProps, 'settings' | 'put'>) {
  const { t } = useTranslation();
  const seconds = settings.timeout_seconds;
  return (
    <Stack gap={6}>
      <Switch label={t('steps.field.timeout')} description={t('steps.field.timeout_hint')} checked={typeof seconds === 'number'} onChange={(event) => put({ timeout_seconds: event.currentTarget.checked ? 3 * DAY : null })} />
      {typeof seconds === 'number' && <DurationInput hideLabel label={t('steps.field.timeout')} value={seconds} min={60} onChange={(timeout_seconds) => put({ timeout_seconds })} />}
    </Stack>
  );
}

export function WaitUntilForm({ settings, put }: FormProps) {
  const { t } = useTranslation();
  const own = settings.date === undefined || settings.date === null;
  const offset = numberOf(settings.offset_days, 0);
  const date = textOf(settings.date);
  const zoned = ZONED.test(date);
  return (
    <Stack gap="sm">
      <SegmentedControl
        size="xs"
        aria-label={t('steps.field.until_what')}
        data={[{ value: 'trait', label: t('steps.field.own_date') }, { value: 'date', label: t('steps.field.one_date') }]}
        value={own ? 'trait' : 'date'}
        onChange={(what) => put(what === 'date' ? { date: new Date(Date.now() + 7 * DAY * 1000).toISOString(), trait: '', offset_days: 0, yearly: false, time: null } : { date: null })}
      />
      {!own && <DateTimePicker label={t('steps.field.date')} description={zoned ? undefined : t('steps.field.wall_hint')} value={new Date(date)} onChange={(at) => at && put({ date: zoned ? new Date(at).toISOString() : at.replace(' ', 'T') })} />}
      {own && (
        <>
          <Input.Wrapper label={t('steps.field.trait')} labelElement="div">
            <TraitPick label={t('steps.field.trait')} types={['date', 'instant']} w={320} value={textOf(settings.trait)} onChange={(trait) => put({ trait })} />
          </Input.Wrapper>
          <Group align="flex-end" gap="xs">
            <NumberInput label={t('steps.field.days_off')} w={110} min={0} max={3660} value={Math.abs(offset)} onChange={(days) => put({ offset_days: (offset < 0 ? -1 : 1) * Number(days || 0) })} />
            <Select
              aria-label={t('steps.field.before_after')}
              w={150}
              allowDeselect={false}
              data={[{ value: 'before', label: t('steps.field.before') }, { value: 'after', label: t('steps.field.after') }]}
              value={offset < 0 ? 'before' : 'after'}
              onChange={(side) => put({ offset_days: side === 'before' ? -Math.abs(offset || 1) : Math.abs(offset) })}
            />
          </Group>
          <TextInput type="time" label={t('steps.field.at_time')} description={t('steps.field.wall_hint')} w={180} value={textOf(settings.time)} onChange={(event) => put({ time: event.currentTarget.value || null })} />
          <Checkbox label={t('steps.field.yearly')} checked={settings.yearly === true} onChange={(event) => put({ yearly: event.currentTarget.checked })} />
        </>
      )}
    </Stack>
  );
}

export function WaitTimeForm({ settings, put }: FormProps) {
  const { t, i18n } = useTranslation();
  const days = settings.days === undefined ? EVERY_DAY : listOf<number>(settings.days);
  const name = (day: number) => new Intl.DateTimeFormat(i18n.language, { weekday: 'short', timeZone: 'UTC' }).format(new Date(Date.UTC(2024, 0, day)));
  return (
    <Stack gap="sm">
      <Group align="flex-end" gap="xs">
        <TextInput type="time" label={t('steps.field.since')} required w={150} value={textOf(settings.since)} onChange={(event) => put({ since: event.currentTarget.value })} />
        <TextInput type="time" label={t('steps.field.till')} w={150} value={textOf(settings.until)} onChange={(event) => put({ until: event.currentTarget.value || null })} />
      </Group>
      <Chip.Group multiple value={days.map(String)} onChange={(picked) => put({ days: picked.map(Number).sort((a, b) => a - b) })}>
        <Group gap={5} role="group" aria-label={t('steps.field.days')}>{EVERY_DAY.map((day) => <Chip key={day} size="xs" value={String(day)}>{name(day)}</Chip>)}</Group>
      </Chip.Group>
      <Input.Description>{t('steps.field.wall_hint')}</Input.Description>
    </Stack>
  );
}

export function WaitEventForm({ settings, put }: FormProps) {
  const match = (settings.match ?? NEW_MATCH) as EventMatch;
  return (
    <Stack gap="sm">
      <MatchEditor event={match.event} filters={(match.filters ?? []) as Filter[]} onChange={(part) => put({ match: { ...match, ...part } })} />
      <Timeout settings={settings} put={put} />
    </Stack>
  );
}

interface WhatCameProps extends Pick<FormProps, 'definition' | 'settings' | 'put'> {
  /** What may have come of a message. */
  choices: readonly ('sent' | 'delivered' | 'opened' | 'clicked' | 'replied' | 'failed')[];
  first: string;
}

/** An earlier step that says something, and what came of it. */
export function WhatCameForm({ definition, settings, put, choices, first }: WhatCameProps) {
  const { t } = useTranslation();
  const stepName = useStepName(definition);
  const said = definition.steps.filter((one) => one.kind === 'message').map((one) => ({ value: one.key, label: stepName(one.key) }));
  return (
    <>
      <Select label={t('steps.field.message_step')} required data={said} nothingFoundMessage={t('steps.field.no_messages')} value={textOf(settings.step) || null} onChange={(step) => step && put({ step })} allowDeselect={false} />
      <Select label={t('steps.field.what')} allowDeselect={false} data={choices.map((one) => ({ value: one, label: t(`state.${one}`) }))} value={textOf(settings.what) || first} onChange={(what) => put({ what })} />
    </>
  );
}

export function WaitAnswerForm(props: FormProps) {
  return (
    <Stack gap="sm">
      <WhatCameForm {...props} choices={['delivered', 'opened', 'clicked', 'replied']} first="replied" />
      <Timeout {...props} />
    </Stack>
  );
}
