import { Code, Group, Text } from '@mantine/core';

const PLAIN = new Set(['string', 'number', 'boolean']);

/** The few plain properties that tell most, in a line. */
export function Glance({ properties }: { properties: Record<string, unknown> }) {
  const plain = Object.entries(properties).filter(([, value]) => PLAIN.has(typeof value)).slice(0, 4);
  return (
    <Group gap={10} wrap="wrap">
      {plain.map(([name, value]) => (
        <Text key={name} size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {name} <Text span size="xs" c="var(--mantine-color-text)" fw={500}>{String(value).slice(0, 80)}</Text>
        </Text>
      ))}
    </Group>
  );
}

/** Everything the event carried, as it came. */
export function Whole({ value, label }: { value: unknown; label: string }) {
  return (
    <Code block fz="xs" mah={320} style={{ overflow: 'auto', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} tabIndex={0} aria-label={label}>
      {JSON.stringify(value, null, 2)}
    </Code>
  );
}
