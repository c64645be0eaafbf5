import { MultiSelect, SimpleGrid, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Panel } from '@/design/Panel';
import type { ImportMap } from './roles';

interface EventPartsProps {
  columns: string[];
  map: ImportMap;
  onChange: (map: ImportMap) => void;
}

/** What makes a line an event: its name when no column has it, its key, and the lines that are one event. */
export function EventParts({ columns, map, onChange }: EventPartsProps) {
  const { t } = useTranslation();
  const constant = typeof map.name === 'object' && map.name !== null && typeof map.name.value === 'string' ? map.name.value : '';
  const byColumn = typeof map.name === 'string' || (typeof map.name === 'object' && map.name !== null && Boolean(map.name.column));
  const clear = { 'aria-label': t('common.clear') };
  return (
    <Panel title={t('imports.events')}>
      <SimpleGrid cols={{ base: 1, md: 3 }}>
        {!byColumn && (
          <TextInput
            label={t('imports.event_name')}
            description={t('imports.event_name_hint')}
            required
            value={constant}
            onChange={(event) => onChange({ ...map, name: event.currentTarget.value ? { value: event.currentTarget.value } : null })}
          />
        )}
        <MultiSelect
          label={t('imports.key')}
          description={t('imports.key_hint')}
          data={columns}
          clearable
          clearButtonProps={clear}
          value={map.key ?? []}
          onChange={(key) => onChange({ ...map, key })}
        />
        <MultiSelect
          label={t('imports.group')}
          description={t('imports.group_hint')}
          data={columns}
          clearable
          clearButtonProps={clear}
          value={map.group ?? []}
          onChange={(group) => onChange({ ...map, group, ...(group.length === 0 ? { item: {} } : {}) })}
        />
      </SimpleGrid>
    </Panel>
  );
}
