import { Center, Loader } from '@mantine/core';
import { Navigate, useRouterState } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/problem';
import { useSession } from '@/api/session';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Shell } from './Shell';

/** Lets the signed-in in, and sends everybody else to sign in and back. */
export function Frame() {
  const { t } = useTranslation();
  const session = useSession();
  const here = useRouterState({ select: (state) => state.location.href });
  if (session.data) return <Shell session={session.data} />;
  // While the sign-in page loads, this one is still shown at the new address: it must not send itself on again.
  const leaving = here.startsWith('/sign-in');
  if (session.error instanceof Problem && session.error.status === 401 && !leaving) {
    return <Navigate to="/sign-in" search={here === '/' ? {} : { next: here }} replace />;
  }
  return (
    <Center component="main" h="100dvh" p="lg">
      {session.error && !leaving ? (
        <ProblemAlert error={session.error} onRetry={() => void session.refetch()} />
      ) : (
        <Loader aria-label={t('common.loading')} />
      )}
    </Center>
  );
}
