import '@fontsource-variable/inter/wght.css';
import '@mantine/core/styles.css';
import '@mantine/dates/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './design/base.css';

import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { DatesProvider } from '@mantine/dates';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from './api/query';
import { theme, variables } from './design/theme';
import { router } from './router';
import 'dayjs/locale/ru';
import 'dayjs/locale/zh-cn';

const schemes = localStorageColorSchemeManager({ key: 'antiphon.scheme' });

/** The console: theme, words, questions to the server, and pages. */
export function App() {
  const { i18n, t } = useTranslation();
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} colorSchemeManager={schemes} defaultColorScheme="auto">
      <DatesProvider settings={{ locale: i18n.language === 'zh' ? 'zh-cn' : i18n.language, firstDayOfWeek: 1 }}>
        <QueryClientProvider client={queries}>
          <div role="region" aria-live="polite" aria-label={t('shell.notifications')}>
            <Notifications position="bottom-right" limit={4} />
          </div>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </DatesProvider>
    </MantineProvider>
  );
}
