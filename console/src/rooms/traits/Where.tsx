import { ActionIcon, Button, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconClose, IconFilter } from '@/design/icons';
import { FilterEditor } from '../segments/builder/FilterEditor';
import { NEW_FILTER } from '../segments/tree';
import type { Filter } from '../segments/types';

interface WhereProps {
  label: string;
  where: Filter[];
  properties: string[];
  onChange: (where: Filter[]) => void;
}

/** Which events are counted at all. */
export function Where({ label, where, properties, onChange }: WhereProps) {
  const { t } = useTranslation();
  return (
    <Stack gap={6}>
      {where.length > 0 && <Text size="sm" fw={500}>{label}</Text>}
      {where.map((filter, place) => (
        <Group key={place} gap="xs" wrap="nowrap" align="flex-start">
          <FilterEditor filter={filter} properties={properties} onChange={(next) => onChange(where.with(place, next))} />
          <ActionIcon variant="subtle" color="gray" mt={4} aria-label={t('segments.remove_filter')} onClick={() => onChange(where.toSpliced(place, 1))}>
            <IconClose size={15} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button size="compact-xs" variant="subtle" color="gray" leftSection={<IconFilter size={13} />} onClick={() => onChange([...where, NEW_FILTER])}>
          {t('segments.add_filter')}
        </Button>
      </div>
    </Stack>
  );
}
