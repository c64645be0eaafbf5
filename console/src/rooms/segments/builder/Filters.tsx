import { ActionIcon, Button, Group, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconClose, IconFilter } from '@/design/icons';
import { NEW_FILTER } from '../tree';
import type { Filter } from '../types';
import { propertiesOf, useCatalogue } from '../vocabulary';
import { FilterEditor } from './FilterEditor';
import styles from './builder.module.css';

interface FiltersProps {
  event: string;
  where: Filter[];
  onChange: (where: Filter[]) => void;
}

/** What must hold of an event for it to count. */
export function Filters({ event, where, onChange }: FiltersProps) {
  const { t } = useTranslation();
  const properties = propertiesOf(useCatalogue(), event);
  if (where.length === 0) return null;
  return (
    <Stack gap={6} className={styles.filters}>
      {where.map((filter, place) => (
        <Group key={place} gap="xs" wrap="nowrap" align="flex-start">
          <FilterEditor filter={filter} properties={properties} onChange={(next) => onChange(where.with(place, next))} />
          <ActionIcon variant="subtle" color="gray" mt={3} aria-label={t('segments.remove_filter')} onClick={() => onChange(where.toSpliced(place, 1))}>
            <IconClose size={15} />
          </ActionIcon>
        </Group>
      ))}
    </Stack>
  );
}

/** The means to ask for more of an event; it stands in line with the event itself. */
export function AddFilter({ where, onChange }: Pick<FiltersProps, 'where' | 'onChange'>) {
  const { t } = useTranslation();
  return (
    <Button size="compact-sm" fw={500} variant="subtle" color="gray" leftSection={<IconFilter size={13} />} aria-label={t('segments.add_filter')} onClick={() => onChange([...where, NEW_FILTER])}>
      {t('build.where')}
    </Button>
  );
}
