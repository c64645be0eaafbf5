import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Session } from '@/api/session';
import { EmptyState } from '@/design/EmptyState';
import { IconShield } from '@/design/icons';
import { Page } from '@/design/Page';
import { isOn, type Door } from './rooms';

/** A page this person may not open, or whose room is switched off: it says which, and who can change it. */
export function Locked({ door, session }: { door: Door; session: Session }) {
  const { t } = useTranslation();
  const on = isOn(door, session);
  const role = t(`role.${session.role}`, { defaultValue: '' });
  return (
    <Page title={t(`nav.${door.key}`)}>
      <EmptyState icon={IconShield} title={t(on ? 'shell.locked' : 'shell.off')} action={<Button component={Link} to="/">{t('nav.overview')}</Button>}>
        {on ? t('shell.locked_hint', { role }) : t('shell.off_hint')}
      </EmptyState>
    </Page>
  );
}
