import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';

/** What shows that a customer said so: the text they saw, where, from which address and by which program. */
export function Proof({ evidence }: { evidence: Schema<'Evidence'> }) {
  const { t } = useTranslation();
  const rest = (['url', 'address', 'user_agent', 'note'] as const).filter((part) => evidence[part]);
  return (
    <>
      {evidence.text && <Text size="xs" c="dimmed" fs="italic">{`“${evidence.text}”`}</Text>}
      {rest.map((part) => (
        <Text key={part} size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>{`${t(`consent.proof_${part}`)}: ${evidence[part] ?? ''}`}</Text>
      ))}
    </>
  );
}
