import { Box, NavLink, ScrollArea, Text } from '@mantine/core';
import { Link, useRouterState } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { openFloors, type Standing } from './rooms';
import styles from './shell.module.css';

/** The rooms that are switched on and permitted, by floor. */
export function Navigation({ standing, onGo }: { standing: Standing; onGo: () => void }) {
  const { t } = useTranslation();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <ScrollArea flex={1} type="scroll">
      <Box px="xs" py="sm">
        {openFloors(standing).map((floor) => (
          <Box key={floor.key} mb="md">
            {floor.key !== 'home' && (
              <Text className={styles.floor} id={`floor-${floor.key}`}>{t(`floor.${floor.key}`)}</Text>
            )}
            <ul className={styles.doors} aria-labelledby={floor.key === 'home' ? undefined : `floor-${floor.key}`}>
              {floor.doors.map((door) => {
                const here = door.to === '/' ? path === '/' : path.startsWith(door.to);
                return (
                  <li key={door.key}>
                    <NavLink
                      component={Link}
                      to={door.to}
                      label={t(`nav.${door.key}`)}
                      leftSection={<door.icon size={18} stroke={1.6} aria-hidden />}
                      active={here}
                      aria-current={here ? 'page' : undefined}
                      className={styles.door}
                      onClick={onGo}
                    />
                  </li>
                );
              })}
            </ul>
          </Box>
        ))}
      </Box>
    </ScrollArea>
  );
}
