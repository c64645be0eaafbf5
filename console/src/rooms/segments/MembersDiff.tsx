import { Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Sample } from './Sample';
import { useNames } from './names';
import { sentence } from './Sentence';
import type { Node } from './types';
import styles from './sets.module.css';

type Diff = Schema<'MembersDiff'>;

export interface Compared {
  tree?: Node;
  version?: number;
  against?: number;
}

function Change({ change }: { change: Diff['changes'][number] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const names = useNames(change.after ?? change.before);
  const told = (node: Node | null) => node && (change.kind === 'joined' ? t(`segments.join_${node.kind}`) : sentence(node, t, format, names));
  return (
    <div className={styles.change} data-kind={change.kind}>
      <Text size="xs" c="dimmed">{t(`sets.change_${change.kind}`)}</Text>
      {change.before && <Text size="sm" td={change.after ? 'line-through' : undefined}>{told(change.before)}</Text>}
      {change.after && <Text size="sm" fw={550}>{told(change.after)}</Text>}
    </div>
  );
}

/** Who would come, go and stay if one tree took the other's place, and what differs between the two. */
export function MembersDiff({ segmentId, compared }: { segmentId: number; compared: Compared }) {
  const { t } = useTranslation();
  const format = useFormat();
  const found = useQuery({
    queryKey: ['segment-diff', segmentId, compared],
    queryFn: () => take(api.POST('/v1/segments/{segment_id}/diff', { params: { path: { segment_id: segmentId } }, body: { sample: 5, ...compared } })),
    retry: false,
  });
  if (found.isLoading) return <Skeleton height={220} />;
  if (!found.data) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  const diff = found.data;
  const count = (word: 'entering' | 'leaving' | 'staying') => format.number(diff[word].count);
  return (
    <Stack>
      <Text size="sm">{t('sets.from_to', { before: format.number(diff.before), after: format.number(diff.after) })}</Text>
      <div className={styles.flow}>
        {(['entering', 'leaving', 'staying'] as const).map((word) => (
          <section key={word} aria-label={t(`sets.${word}`)}>
            <Text size="xs" c="dimmed">{t(`sets.${word}`)}</Text>
            <Text fz={24} fw={650} className="tabular" mb="xs" c="var(--text-strong)" data-testid={`diff-${word}`}>{count(word)}</Text>
            <Sample cards={diff[word].sample} />
          </section>
        ))}
      </div>
      {diff.changes.length > 0 && (
        <Stack gap="xs">
          <Text size="xs" fw={600} c="dimmed">{t('sets.changes')}</Text>
          {diff.changes.map((change) => <Change key={change.kind + change.path} change={change} />)}
        </Stack>
      )}
    </Stack>
  );
}
