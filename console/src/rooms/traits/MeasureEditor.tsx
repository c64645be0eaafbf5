import { Autocomplete, Group, NumberInput, Select, Stack, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { propertiesOf, useCatalogue } from '../segments/vocabulary';
import { isNumber, MEASURES, ofProperty, type Measured, type MeasureName } from './definition';
import { Where } from './Where';

/** "The sum of total of Order Completed in the last 30 days where …, and 0 for everybody else". */
export function MeasureEditor({ definition, onChange }: { definition: Measured; onChange: (definition: Measured) => void }) {
  const { t } = useTranslation();
  const catalogue = useCatalogue();
  const properties = propertiesOf(catalogue, definition.event);
  const change = (part: Partial<Measured>) => onChange({ ...definition, ...part });
  const needs = ofProperty(definition.measure);
  const pick = (measure: MeasureName) =>
    change({ measure, default: null, property: ofProperty(measure) === 'never' ? null : definition.property });
  const hasDefault = needs !== 'perhaps' || Boolean(definition.property);
  return (
    <Stack gap="sm">
      <Group grow align="flex-start">
        <Select
          label={t('traits.measure')}
          data={MEASURES.map((one) => ({ value: one, label: t(`traits.measure_${one}`) }))}
          value={definition.measure}
          allowDeselect={false}
          onChange={(measure) => measure && pick(measure as MeasureName)}
        />
        <Autocomplete
          label={t('traits.event')}
          required
          data={catalogue.events.map((one) => one.name)}
          value={definition.event}
          onChange={(event) => change({ event })}
        />
      </Group>
      {needs !== 'never' && (
        <Autocomplete
          label={t('traits.property')}
          description={t(needs === 'perhaps' ? 'traits.property_or_time' : 'traits.property_hint')}
          required={needs === 'always'}
          data={properties}
          value={definition.property ?? ''}
          onChange={(property) => change({ property: property || null })}
        />
      )}
      <Where label={t('traits.only')} where={definition.where ?? []} properties={properties} onChange={(where) => change({ where })} />
      <Group grow align="flex-start">
        <NumberInput
          label={t('traits.days')}
          description={t('traits.days_hint')}
          placeholder={t('traits.ever')}
          min={1}
          max={3650}
          allowDecimal={false}
          value={definition.days ?? ''}
          onChange={(days) => change({ days: typeof days === 'number' ? days : null })}
        />
        {hasDefault && isNumber(definition.measure) && (
          <NumberInput
            label={t('traits.default')}
            description={t('traits.default_hint')}
            placeholder={t('common.none')}
            value={typeof definition.default === 'number' ? definition.default : ''}
            onChange={(value) => change({ default: typeof value === 'number' ? value : null })}
          />
        )}
        {hasDefault && !isNumber(definition.measure) && (
          <TextInput
            label={t('traits.default')}
            description={t('traits.default_hint')}
            placeholder={t('common.none')}
            value={typeof definition.default === 'string' ? definition.default : ''}
            onChange={(event) => change({ default: event.currentTarget.value || null })}
          />
        )}
      </Group>
    </Stack>
  );
}
