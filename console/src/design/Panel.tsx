import { Box, Group, Text, Title, type BoxProps } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './Panel.module.css';

interface PanelProps extends BoxProps {
  title?: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
  /** Without inner space, for tables that run to the edge. */
  flush?: boolean;
  label?: string;
  children: ReactNode;
}

/** A card with a hairline border: the one surface that content lies on. */
export function Panel({ title, hint, actions, flush, label, className, children, ...box }: PanelProps) {
  return (
    <Box component="section" className={[styles.panel, className].filter(Boolean).join(' ')} aria-label={label} {...box}>
      {(title || actions) && (
        <Group className={styles.head} justify="space-between" wrap="nowrap" data-flush={flush || undefined}>
          <div>
            {title && <Title order={2} fz="0.9375rem">{title}</Title>}
            {hint && <Text size="xs" c="dimmed" mt={2}>{hint}</Text>}
          </div>
          {actions && <Group gap="xs" wrap="nowrap">{actions}</Group>}
        </Group>
      )}
      <div className={flush ? styles.flush : styles.body}>{children}</div>
    </Box>
  );
}
