import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/design/EmptyState';
import { IconSearch } from '@/design/icons';
import { Page } from '@/design/Page';

/** No such page. */
export default function Missing() {
  const { t } = useTranslation();
  return (
    <Page title={t('shell.missing')}>
      <EmptyState
        icon={IconSearch}
        title={t('shell.missing_title')}
        action={<Button component={Link} to="/">{t('nav.overview')}</Button>}
      >
        {t('shell.missing_hint')}
      </EmptyState>
    </Page>
  );
}
