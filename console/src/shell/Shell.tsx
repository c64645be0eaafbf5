import { AppShell, Burger, Group, Kbd, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Session } from '@/api/session';
import { IconSearch } from '@/design/icons';
import { useRecorder } from '@/rooms/overview/history';
import { CommandPalette } from './CommandPalette';
import { LanguageMenu } from './LanguageMenu';
import { LiveMark } from './LiveMark';
import { Locked } from './Locked';
import { Navigation } from './Navigation';
import { doorOf, mayEnter } from './rooms';
import { SchemeToggle } from './SchemeToggle';
import { Shortcuts } from './Shortcuts';
import { UserMenu } from './UserMenu';
import styles from './shell.module.css';

/** Everything around a page: where one can go, who one is, and the ways to get anywhere without a mouse. */
export function Shell({ session }: { session: Session }) {
  const { t } = useTranslation();
  const [opened, menu] = useDisclosure(false);
  // Of the page that is drawn, not of the address: while the next one loads, a locked page must not be drawn for a moment.
  const door = useRouterState({ select: (state) => doorOf(state.matches.at(-1)?.pathname ?? '/') });
  useRecorder();
  return (
    <>
      <a className="skip-link" href="#main">{t('shell.skip')}</a>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 228, breakpoint: 'md', collapsed: { mobile: !opened } }}
        padding={{ base: 'md', md: 'xl' }}
        layout="alt"
      >
        <AppShell.Header className={styles.header}>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Burger opened={opened} onClick={menu.toggle} hiddenFrom="md" size="sm" aria-label={t('shell.menu')} />
              <UnstyledButton className={styles.find} onClick={spotlight.open} aria-label={`${t('shell.find')} Ctrl K`}>
                <IconSearch size={16} aria-hidden />
                <span>{t('shell.find')}</span>
                <Kbd size="xs">Ctrl K</Kbd>
              </UnstyledButton>
            </Group>
            <Group gap={6} wrap="nowrap">
              <LiveMark />
              <LanguageMenu />
              <SchemeToggle />
              <UserMenu session={session} />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar className={styles.navbar} aria-label={t('shell.navigation')}>
          <Group h={56} px="md" justify="space-between" style={{ borderBottom: '1px solid var(--line)' }}>
            <Link to="/" className={styles.brand}>
              <img src="/mark.svg" alt="" width={26} height={26} />
              {t('shell.product')}
            </Link>
            <Burger opened={opened} onClick={menu.toggle} hiddenFrom="md" size="sm" aria-label={t('shell.menu')} />
          </Group>
          <Navigation standing={session} onGo={menu.close} />
        </AppShell.Navbar>
        <AppShell.Main id="main" tabIndex={-1} className={styles.main}>
          {door && !mayEnter(door, session) ? <Locked door={door} session={session} /> : <Outlet />}
        </AppShell.Main>
      </AppShell>
      <CommandPalette session={session} />
      <Shortcuts standing={session} />
    </>
  );
}
