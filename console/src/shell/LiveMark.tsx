import { Box, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useLiveState } from '@/api/live';
import styles from './LiveMark.module.css';

/** Whether figures on this page move by themselves. */
export function LiveMark() {
  const { t } = useTranslation();
  const state = useLiveState();
  if (state === 'off') return null;
  return (
    <Tooltip label={t(`shell.live_${state}_hint`)}>
      <Box className={styles.live} data-state={state} role="status" visibleFrom="xs">
        <span aria-hidden />
        {t(`shell.live_${state}`)}
      </Box>
    </Tooltip>
  );
}
