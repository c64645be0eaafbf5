import { Autocomplete, ScrollArea, Select, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type AnswerOf } from '@/api/client';
import { CELL_TYPES, PARTS, rolesOf, withRole, type CellType, type ImportMap, type Part, type Role } from './roles';
import styles from './imports.module.css';

export type FilePreview = AnswerOf<'/v1/imports/files/{file_id}/preview', 'post'>;

interface ColumnMapProps {
  preview: FilePreview;
  map: ImportMap;
  onChange: (map: ImportMap) => void;
}

/** Every column with its first values, and what it becomes. */
export function ColumnMap({ preview, map, onChange }: ColumnMapProps) {
  const { t } = useTranslation();
  const kinds = useQuery({ queryKey: ['identity-kinds'], queryFn: () => take(api.GET('/v1/identity-kinds')) });
  const identities = (kinds.data?.items ?? []).map((kind) => kind.name);
  const free = identities.find((kind) => !(kind in (map.identities ?? {}))) ?? 'user_id';
  const roles = rolesOf(map, preview.columns);
  const put = (column: string, role: Role) => onChange(withRole(map, column, role));
  const parts = PARTS[map.kind].filter((part) => part !== 'item' || (map.group ?? []).length > 0);
  return (
    <ScrollArea viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t('imports.columns') }}>
      <Table className={styles.map} verticalSpacing={7}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('imports.column')}</Table.Th>
            <Table.Th>{t('imports.examples')}</Table.Th>
            <Table.Th w={170}>{t('imports.becomes')}</Table.Th>
            <Table.Th w={190}>{t('imports.called')}</Table.Th>
            <Table.Th w={150}>{t('imports.type')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {preview.columns.map((column, place) => {
            const role = roles[place] ?? { part: 'ignore', as: '', type: null };
            const examples = preview.rows.slice(0, 3).map((row) => row[place] ?? '').filter(Boolean).join(' · ');
            const named = role.part === 'trait' || role.part === 'property' || role.part === 'item';
            return (
              <Table.Tr key={column}>
                <Table.Td><Text size="sm" fw={550} mt={6} c={role.part === 'ignore' ? 'dimmed' : undefined}>{column}</Text></Table.Td>
                <Table.Td><div className={styles.examples} style={{ marginTop: 8 }} title={examples}>{examples}</div></Table.Td>
                <Table.Td>
                  <Select
                    size="xs"
                    aria-label={t('imports.becomes_of', { column })}
                    data={parts.map((part) => ({ value: part, label: t(`imports.part_${part}`) }))}
                    value={role.part}
                    allowDeselect={false}
                    onChange={(part) => part && put(column, { part: part as Part, as: part === 'identity' ? free : column, type: null })}
                  />
                </Table.Td>
                <Table.Td>
                  {role.part === 'identity' && (
                    <Autocomplete size="xs" aria-label={t('imports.called_of', { column })} data={identities} value={role.as} onChange={(as) => put(column, { ...role, as })} />
                  )}
                  {named && <TextInput size="xs" aria-label={t('imports.called_of', { column })} value={role.as} onChange={(event) => put(column, { ...role, as: event.currentTarget.value })} />}
                </Table.Td>
                <Table.Td>
                  {named && (
                    <Select
                      size="xs"
                      aria-label={t('imports.type_of', { column })}
                      placeholder={t('imports.type_auto')}
                      clearable
                      clearButtonProps={{ 'aria-label': t('common.clear') }}
                      data={CELL_TYPES.map((type) => ({ value: type, label: t(`imports.type_${type}`) }))}
                      value={role.type}
                      onChange={(type) => put(column, { ...role, type: type as CellType | null })}
                    />
                  )}
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}
