import { Button, Center, ScrollArea, Skeleton, Table } from '@mantine/core';
import type { CSSProperties, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './DataTable.module.css';

export interface Column<Row> {
  key: string;
  head: string;
  cell: (row: Row) => ReactNode;
  right?: boolean;
  width?: number | string;
}

interface DataTableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[] | undefined;
  rowKey: (row: Row) => string | number;
  /** Makes the whole row open something; the first cell must hold the real link or button for the keyboard. */
  onOpen?: (row: Row) => void;
  loading?: boolean;
  empty?: ReactNode;
  more?: () => void;
  loadingMore?: boolean;
  fresh?: (row: Row) => boolean;
}

/** The house's table: sticky head, quiet lines, skeleton while loading, and "show more" in place of page numbers. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, onOpen, loading, empty, more, loadingMore, fresh } = props;
  const { t } = useTranslation();
  if (!loading && rows?.length === 0 && empty) return <>{empty}</>;
  return (
    <>
      <ScrollArea type="auto" offsetScrollbars="present" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': label }}>
        <Table className={styles.table} style={{ '--columns': columns.length } as CSSProperties} highlightOnHover={Boolean(onOpen)} aria-label={label}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column.key} w={column.width} ta={column.right ? 'right' : 'left'} scope="col">
                  {column.head}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {loading && !rows
              ? Array.from({ length: 6 }, (_, line) => (
                  <Table.Tr key={line}>
                    {columns.map((column) => (
                      <Table.Td key={column.key}><Skeleton height={14} my={4} w={`${55 + ((line * 17) % 40)}%`} /></Table.Td>
                    ))}
                  </Table.Tr>
                ))
              : rows?.map((row) => (
                  <Table.Tr
                    key={rowKey(row)}
                    data-open={onOpen ? true : undefined}
                    className={fresh?.(row) ? 'fresh-row' : undefined}
                    onClick={(event) => {
                      if ((event.target as HTMLElement).closest('a,button,input,label')) return;
                      onOpen?.(row);
                    }}
                  >
                    {columns.map((column) => (
                      <Table.Td key={column.key} ta={column.right ? 'right' : 'left'}>{column.cell(row)}</Table.Td>
                    ))}
                  </Table.Tr>
                ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      {more && (
        <Center p="sm">
          <Button variant="subtle" size="xs" onClick={more} loading={loadingMore}>{t('common.more')}</Button>
        </Center>
      )}
    </>
  );
}
