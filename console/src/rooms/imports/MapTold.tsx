import { Accordion, Code, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useChannelTitle } from '../channels/vocabulary';
import type { CellType, ImportMap, Part } from './roles';

type Source = NonNullable<ImportMap['traits']>[string];

interface Line {
  from: string;
  part: string;
  as: string;
  type: CellType | null;
}

/** Where a value comes from: a column, several that are multiplied, the whole row, or the same for all. */
function useFrom(): (source: Source) => string {
  const { t } = useTranslation();
  return (source) => {
    if (typeof source === 'string') return source;
    if (source.column) return source.column;
    if (source.times?.length) return source.times.join(' × ');
    return source.row ? t('imports.from_row') : `“${String(source.value ?? '')}”`;
  };
}

/** A map of an import in words: from where each part of what was imported came; and as it is sent over the API. */
export function MapTold({ map }: { map: ImportMap }) {
  const { t } = useTranslation();
  const from = useFrom();
  const channel = useChannelTitle();
  const typeOf = (source: Source): CellType | null => (typeof source === 'string' ? null : (source.type ?? null));
  const named = (part: Part, sources: Record<string, Source> | undefined): Line[] =>
    Object.entries(sources ?? {}).map(([as, source]) => ({ from: from(source), part: t(`imports.part_${part}`), as: part === 'identity' ? t(`identity.${as}`, { defaultValue: as }) : as, type: typeOf(source) }));
  const lines: Line[] = [
    ...(['name', 'time'] as const).flatMap((part) => { const source = map[part]; return source ? [{ from: from(source), part: t(`imports.part_${part}`), as: '', type: null }] : []; }),
    ...named('identity', map.identities),
    ...named('trait', map.traits),
    ...named('property', map.properties),
    ...named('item', map.item),
    ...(map.consents ?? []).map((one) => ({ from: from(one.state), part: t('imports.part_consent'), as: `${channel(one.channel)} · ${one.topic}`, type: null })),
    ...Object.entries(map.preferences ?? {}).map(([aspect, source]) => ({ from: from(source as Source), part: t('imports.part_wish'), as: t(`imports.wish_${aspect}`, { defaultValue: aspect }), type: null })),
  ];
  return (
    <>
      <Table aria-label={t('imports.map')} verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>{(['column', 'becomes', 'called', 'type'] as const).map((one) => <Table.Th key={one} scope="col">{t(`imports.${one}`)}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map((one, at) => (
            <Table.Tr key={at}>
              <Table.Td><Text size="sm" fw={550} style={{ overflowWrap: 'anywhere' }}>{one.from}</Text></Table.Td>
              <Table.Td>{one.part}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{one.as}</Table.Td>
              <Table.Td>{one.type ? t(`imports.type_${one.type}`) : t('imports.type_auto')}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Accordion variant="default" mt="sm">
        <Accordion.Item value="text" style={{ border: 0 }}>
          <Accordion.Control px={4}><Text size="sm" c="dimmed">{t('imports.map_text')}</Text></Accordion.Control>
          <Accordion.Panel>
            <Code block mah={320} style={{ overflow: 'auto' }} tabIndex={0} aria-label={t('imports.map_text')}>{JSON.stringify(map, null, 2)}</Code>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </>
  );
}
