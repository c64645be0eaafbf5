import { Autocomplete, Group, NumberInput, Select, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { EVENT_OPS, MEASURES } from '../tree';
import type { EventCondition, EventOp, Measure } from '../types';
import { propertiesOf, useCatalogue } from '../vocabulary';
import { AddFilter, Filters } from './Filters';
import { EventPick, Said } from './inputs';
import { WindowEditor } from './WindowEditor';
import { useWrong } from './wrong';

interface EventEditorProps {
  node: EventCondition;
  onChange: (node: EventCondition) => void;
}

/** "Did Order Completed at least 3 times in the last 30 days where total is above 50". */
export function EventEditor({ node, onChange }: EventEditorProps) {
  const { t } = useTranslation();
  const wrong = useWrong();
  const properties = propertiesOf(useCatalogue(), node.name);
  const op = node.op ?? 'did';
  const measure = node.measure ?? 'count';
  const compares = op !== 'did' && op !== 'did_not';
  const change = (part: Partial<EventCondition>) => onChange({ ...node, ...part });
  const setOp = (next: EventOp) =>
    next === 'did' || next === 'did_not'
      ? change({ op: next, measure: 'count', property: null, value: null, high: null })
      : change({ op: next, value: node.value ?? 1, high: next === 'between' ? (node.high ?? 10) : null });
  const number = (label: string, field: 'value' | 'high') => (
    <NumberInput
      aria-label={label}
      w={64}
      hideControls
      error={wrong(field)}
      value={node[field] ?? ''}
      onChange={(typed) => change({ [field]: typeof typed === 'number' ? typed : null })}
    />
  );
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <EventPick label={t('segments.event')} value={node.name} error={wrong('name')} onChange={(name) => change({ name })} />
        {compares && (
          <>
            <Select
              aria-label={t('segments.measure')}
              w={150}
              allowDeselect={false}
              data={MEASURES.map((one) => ({ value: one, label: t(`segments.measure_${one}`) }))}
              value={measure}
              onChange={(next) => next && change({ measure: next as Measure, property: next === 'count' ? null : node.property })}
            />
            {measure !== 'count' && (
              <Autocomplete
                aria-label={t('segments.property')}
                placeholder={t('segments.property')}
                w={140}
                error={wrong('property')}
                data={properties}
                value={node.property ?? ''}
                onChange={(property) => change({ property })}
              />
            )}
          </>
        )}
        <Select
          aria-label={t('segments.comparison')}
          w={140}
          error={wrong('op')}
          allowDeselect={false}
          data={EVENT_OPS.map((one) => ({ value: one, label: t(`segments.event_op.${one}`) }))}
          value={op}
          onChange={(next) => next && setOp(next as EventOp)}
        />
        {compares && number(t('segments.number'), 'value')}
        {op === 'between' && (
          <>
            <Said>{t('segments.and')}</Said>
            {number(t('segments.number_high'), 'high')}
          </>
        )}
        <WindowEditor window={node.window ?? null} onChange={(window) => change({ window })} />
        <AddFilter where={node.where ?? []} onChange={(where) => change({ where })} />
      </Group>
      <Filters event={node.name} where={node.where ?? []} onChange={(where) => change({ where })} />
    </Stack>
  );
}
