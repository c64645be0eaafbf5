import { Avatar, Menu, Text, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { signOut, type Session } from '@/api/session';
import { IconKeyboard, IconSettings, IconSignOut } from '@/design/icons';
import { showShortcuts } from './Shortcuts';

const WHITE = { placeholder: { color: '#fff' } };

/** Who is signed in, and the way out. */
export function UserMenu({ session }: { session: Session }) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <UnstyledButton ml={4}>
          <VisuallyHidden>{t('shell.account', { name: session.name })}</VisuallyHidden>
          <Avatar size={32} radius="xl" color="iris" name={session.name} variant="filled" aria-hidden styles={WHITE} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--text-strong)" truncate>{session.name}</Text>
          <Text size="xs" c="dimmed">{t(`role.${session.role}`, { defaultValue: session.role })}</Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item leftSection={<IconSettings size={15} />} component={Link} to="/settings/account">
          {t('shell.my_account')}
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={showShortcuts}>{t('shell.shortcuts')}</Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconSignOut size={15} />} onClick={() => void signOut()}>{t('shell.sign_out')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
