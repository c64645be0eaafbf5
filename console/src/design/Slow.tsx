import { Box, Progress, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** A bar for work whose length is not known, shown only when it has lasted long enough to be noticed. */
export function Slow({ busy, label }: { busy: boolean; label?: string }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!busy) {
      setShown(false);
      return;
    }
    const timer = setTimeout(() => setShown(true), 700);
    return () => clearTimeout(timer);
  }, [busy]);
  if (!shown) return null;
  return (
    <Box role="status" mb="sm">
      <Text size="xs" c="dimmed" mb={4}>{label ?? t('common.working')}</Text>
      <Progress value={100} animated size="sm" aria-label={label ?? t('common.working')} />
    </Box>
  );
}
