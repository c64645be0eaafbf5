import { ActionIcon, Autocomplete, Button, Group, NumberInput, Select, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconClose, IconFilter } from '@/design/icons';
import { FilterEditor } from './FilterEditor';
import { EVENT_OPS, MEASURES, NEW_FILTER } from './tree';
import type { EventCondition, EventOp, Filter, Measure } from './types';
import { propertiesOf, useCatalogue } from './vocabulary';
import { WindowEditor } from './WindowEditor';
import styles from './builder.module.css';

interface EventEditorProps {
  node: EventCondition;
  onChange: (node: EventCondition) => void;
}

/** "Did Order Completed at least 3 times in the last 30 days where total is above 50". */
export function EventEditor({ node, onChange }: EventEditorProps) {
  const { t } = useTranslation();
  const catalogue = useCatalogue();
  const properties = propertiesOf(catalogue, node.name);
  const op = node.op ?? 'did';
  const measure = node.measure ?? 'count';
  const where = node.where ?? [];
  const compares = op !== 'did' && op !== 'did_not';
  const change = (part: Partial<EventCondition>) => onChange({ ...node, ...part });
  const setOp = (next: EventOp) =>
    next === 'did' || next === 'did_not'
      ? change({ op: next, measure: 'count', property: null, value: null, high: null })
      : change({ op: next, value: node.value ?? 1, high: next === 'between' ? (node.high ?? 10) : null });
  const put = (place: number, filter: Filter | null) =>
    change({ where: filter ? where.with(place, filter) : where.toSpliced(place, 1) });

  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Text size="sm" className={styles.kind}>{t('segments.event')}</Text>
        <Autocomplete
          aria-label={t('segments.event')}
          placeholder={t('segments.pick_event')}
          w={210}
          data={catalogue.events.map((one) => one.name)}
          value={node.name}
          onChange={(name) => change({ name })}
        />
        {compares && (
          <>
            <Select
              aria-label={t('segments.measure')}
              w={120}
              data={MEASURES.map((one) => ({ value: one, label: t(`segments.measure_${one}`) }))}
              value={measure}
              onChange={(next) => next && change({ measure: next as Measure, property: next === 'count' ? null : node.property })}
            />
            {measure !== 'count' && (
              <Autocomplete
                aria-label={t('segments.property')}
                placeholder={t('segments.property')}
                w={140}
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
          data={EVENT_OPS.map((one) => ({ value: one, label: t(`segments.event_op.${one}`) }))}
          value={op}
          onChange={(next) => next && setOp(next as EventOp)}
        />
        {compares && (
          <NumberInput
            aria-label={t('segments.number')}
            w={84}
            hideControls
            value={node.value ?? ''}
            onChange={(value) => change({ value: typeof value === 'number' ? value : null })}
          />
        )}
        {op === 'between' && (
          <>
            <Text size="sm" c="dimmed">{t('segments.and')}</Text>
            <NumberInput
              aria-label={t('segments.number_high')}
              w={84}
              hideControls
              value={node.high ?? ''}
              onChange={(high) => change({ high: typeof high === 'number' ? high : null })}
            />
          </>
        )}
        <WindowEditor window={node.window ?? null} onChange={(window) => change({ window })} />
      </Group>
      {where.length > 0 && (
        <Stack gap={6} className={styles.filters}>
          {where.map((filter, place) => (
            <Group key={place} gap="xs" wrap="nowrap" align="flex-start">
              <FilterEditor filter={filter} properties={properties} onChange={(next) => put(place, next)} />
              <ActionIcon variant="subtle" color="gray" mt={4} aria-label={t('segments.remove_filter')} onClick={() => put(place, null)}>
                <IconClose size={15} />
              </ActionIcon>
            </Group>
          ))}
        </Stack>
      )}
      <div>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={<IconFilter size={13} />}
          onClick={() => change({ where: [...where, NEW_FILTER] })}
        >
          {t('segments.add_filter')}
        </Button>
      </div>
    </Stack>
  );
}
