import { ActionIcon, Autocomplete, Button, Group, NumberInput, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconClose, IconPlus } from '@/design/icons';
import { propertiesOf, useCatalogue } from '../segments/vocabulary';
import { NEW_SOURCE, type Affinity, type Source } from './definition';

const MOST = 10;

/** Which events tell of a liking, of what, and how strongly; and how soon they are forgotten. */
export function AffinityEditor({ definition, onChange }: { definition: Affinity; onChange: (definition: Affinity) => void }) {
  const { t } = useTranslation();
  const catalogue = useCatalogue();
  const sources = definition.sources;
  const put = (place: number, part: Partial<Source>) =>
    onChange({ ...definition, sources: sources.with(place, { ...sources[place]!, ...part }) });
  return (
    <Stack gap="sm">
      <div>
        <Text size="sm" fw={500}>{t('traits.sources')}</Text>
        <Text size="xs" c="dimmed">{t('traits.sources_hint')}</Text>
      </div>
      {sources.map((source, place) => (
        <Group key={place} gap="xs" wrap="nowrap" align="flex-end">
          <Autocomplete
            label={place === 0 ? t('traits.event') : undefined}
            aria-label={t('traits.event')}
            data={catalogue.events.map((one) => one.name)}
            value={source.event}
            onChange={(event) => put(place, { event })}
            flex={1}
          />
          <Autocomplete
            label={place === 0 ? t('traits.property') : undefined}
            aria-label={t('traits.property')}
            data={propertiesOf(catalogue, source.event)}
            value={source.property}
            onChange={(property) => put(place, { property })}
            flex={1}
          />
          <NumberInput
            label={place === 0 ? t('traits.weight') : undefined}
            aria-label={t('traits.weight')}
            w={84}
            min={0.01}
            max={1000}
            value={source.weight ?? 1}
            onChange={(weight) => typeof weight === 'number' && put(place, { weight })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            mb={4}
            aria-label={t('traits.remove_source')}
            disabled={sources.length === 1}
            onClick={() => onChange({ ...definition, sources: sources.toSpliced(place, 1) })}
          >
            <IconClose size={15} />
          </ActionIcon>
        </Group>
      ))}
      {sources.length < MOST && (
        <div>
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            leftSection={<IconPlus size={13} />}
            onClick={() => onChange({ ...definition, sources: [...sources, { ...NEW_SOURCE, property: sources[0]?.property ?? '' }] })}
          >
            {t('traits.add_source')}
          </Button>
        </div>
      )}
      <Group grow align="flex-start">
        <NumberInput
          label={t('traits.half_life')}
          description={t('traits.half_life_hint')}
          min={7}
          max={3650}
          allowDecimal={false}
          value={definition.half_life_days ?? 90}
          onChange={(days) => typeof days === 'number' && onChange({ ...definition, half_life_days: days })}
        />
        <NumberInput
          label={t('traits.top')}
          description={t('traits.top_hint')}
          min={1}
          max={20}
          allowDecimal={false}
          value={definition.top ?? 5}
          onChange={(top) => typeof top === 'number' && onChange({ ...definition, top })}
        />
      </Group>
    </Stack>
  );
}
