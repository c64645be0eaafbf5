import { Box, Group, Text, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ComponentType, ReactNode } from 'react';
import styles from './Stat.module.css';

interface StatProps {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  icon?: ComponentType<{ size?: number; stroke?: number }>;
  /** Where the people behind the number are; search as TanStack Router takes it. */
  to?: string;
  search?: Record<string, unknown>;
}

/** One figure. With `to`, the whole card opens what it counts. */
export function Stat({ label, value, note, icon: Icon, to, search }: StatProps) {
  const inside = (
    <>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="xs" c="dimmed" fw={500} lineClamp={2} style={{ overflowWrap: 'anywhere' }}>{label}</Text>
        {Icon && <Box c="dimmed" lh={0} aria-hidden><Icon size={16} stroke={1.6} /></Box>}
      </Group>
      <Text className={styles.value}>{value}</Text>
      {note !== undefined && <Text size="xs" c="dimmed" component="div">{note}</Text>}
    </>
  );
  if (!to) return <Box className={styles.stat}>{inside}</Box>;
  return (
    <UnstyledButton component={Link} to={to} search={search as never} className={styles.stat} data-open>
      {inside}
    </UnstyledButton>
  );
}
