import { Code, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { NOTHING } from './format';

function fields(value: unknown): Record<string, unknown> {
  if (value === null || value === undefined) return {};
  return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : { value };
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return NOTHING;
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}

/** What something was and what it became, field by field; what stayed the same is left out when both are known. */
export function Changes({ before, after }: { before: unknown; after: unknown }) {
  const { t } = useTranslation();
  const was = fields(before);
  const is = fields(after);
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
    (name) => before === null || after === null || shown(was[name]) !== shown(is[name]),
  );
  if (names.length === 0) return <Text size="sm" c="dimmed">{t('audit.no_fields')}</Text>;
  return (
    <Table layout="fixed" verticalSpacing={6}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('audit.field')}</Table.Th>
          <Table.Th>{t('audit.before')}</Table.Th>
          <Table.Th>{t('audit.after')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {names.map((name) => (
          <Table.Tr key={name}>
            <Table.Td><Text size="sm" fw={550}>{name}</Text></Table.Td>
            {[was[name], is[name]].map((value, place) => (
              <Table.Td key={place}>
                <Code style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{shown(value)}</Code>
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
