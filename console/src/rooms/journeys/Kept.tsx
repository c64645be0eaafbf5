import { Button, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/problem';
import type { Draft } from './draft';

/** Whether what is drawn is kept already. */
export function Kept({ draft }: { draft: Draft }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" role="status" data-testid="kept">
      <Text size="xs" c={draft.kept === 'failed' || draft.kept === 'conflict' ? 'var(--mantine-color-error)' : 'dimmed'}>
        {draft.kept === 'failed' && draft.error instanceof Problem ? draft.error.message : t(`journeys.kept_${draft.kept}`)}
      </Text>
      {draft.kept === 'failed' && <Button size="compact-xs" variant="default" onClick={() => void draft.flush().catch(() => undefined)}>{t('common.retry')}</Button>}
    </Group>
  );
}
