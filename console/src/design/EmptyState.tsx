import { Box, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import type { ComponentType, ReactNode } from 'react';

interface EmptyStateProps {
  icon: ComponentType<{ size?: number; stroke?: number }>;
  title: string;
  /** What to do next, in a sentence. */
  children?: ReactNode;
  action?: ReactNode;
}

/** Nothing here yet, and how to change that. */
export function EmptyState({ icon: Icon, title, children, action }: EmptyStateProps) {
  return (
    <Stack align="center" py={48} px="lg" gap="sm">
      <ThemeIcon size={52} radius="xl" variant="light" aria-hidden>
        <Icon size={26} stroke={1.5} />
      </ThemeIcon>
      <Box ta="center" maw={460}>
        <Text fw={600} c="var(--text-strong)">{title}</Text>
        {children && <Text c="dimmed" size="sm" mt={4} component="div">{children}</Text>}
      </Box>
      {action && <Group gap="xs">{action}</Group>}
    </Stack>
  );
}
