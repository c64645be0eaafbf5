import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { nextStep, Problem } from '@/api/problem';
import { IconAlert } from './icons';

/** A failed request in words: what went wrong, what to do next, and the code to quote when asking for help. */
export function ProblemAlert({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  if (!error) return null;
  const problem = error instanceof Problem ? error : null;
  const message = error instanceof Error && problem ? error.message : t('problem.unreachable');
  return (
    <Alert color="red" variant="light" icon={<IconAlert size={18} />} title={t('problem.title')} role="alert">
      <Text size="sm">{message}</Text>
      <Text size="sm" mt={4}>{t(nextStep(error))}</Text>
      <Group mt="xs" gap="xs">
        {onRetry && <Button size="xs" variant="default" onClick={onRetry}>{t('common.retry')}</Button>}
        {problem && <Code>{problem.field ? `${problem.code} · ${problem.field}` : problem.code}</Code>}
      </Group>
    </Alert>
  );
}
