import { Anchor, Box, Group, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, type ReactNode } from 'react';

interface PageProps {
  title: string;
  /** One sentence under the title: what this page is for. */
  lead?: ReactNode;
  /** Where the reader came from; shown above the title. */
  back?: { to: string; label: string };
  badge?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** The first page leaves the focus where the browser put it, so that the skip link comes first. */
let arrived = false;

/** The frame of every page: names the document, moves the focus to its heading, lines up title and actions. */
export function Page({ title, lead, back, badge, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Antiphon`;
  }, [title]);
  useEffect(() => {
    if (arrived && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
    arrived = true;
  }, []);
  return (
    <Box className="page-enter" maw={1320} mx="auto">
      {back && (
        <Anchor component={Link} to={back.to} size="sm" c="dimmed" mb={4} display="inline-block">
          {`← ${back.label}`}
        </Anchor>
      )}
      <Group justify="space-between" align="flex-start" mb="lg" wrap="wrap" gap="sm">
        <Box style={{ minWidth: 0 }}>
          <Group gap="sm">
            <Title order={1} ref={heading} tabIndex={-1} style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Title>
            {badge}
          </Group>
          {lead && (
            <Text c="dimmed" size="sm" mt={3} maw={720}>
              {lead}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Box>
  );
}
