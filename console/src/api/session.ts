import { useQuery } from '@tanstack/react-query';
import { api, holdCsrf, take, whenSignedOut, type Schema } from './client';
import { queries } from './query';

/** Who is signed in, what they may do, and which rooms are switched on. */
export type Session = Schema<'Me'>;

async function readSession(): Promise<Session> {
  const session = await take(api.GET('/v1/session'));
  holdCsrf(session.csrf ?? null);
  return session;
}

const sessionQuery = { queryKey: ['session'], queryFn: readSession, staleTime: 60_000, retry: false };

export function useSession() {
  return useQuery(sessionQuery);
}

/** Whether the signed-in may do `room:verb`; pages hide what would be refused. */
export function useMay(permission: string): boolean {
  return useSession().data?.permissions.includes(permission) ?? false;
}

export async function signIn(email: string, password: string, code?: string): Promise<Session> {
  const session = await take(api.POST('/v1/session', { body: { email, password, code: code ?? null } }));
  queries.clear();
  holdCsrf(session.csrf ?? null);
  queries.setQueryData(sessionQuery.queryKey, session);
  return session;
}

export async function signOut(): Promise<void> {
  await take(api.DELETE('/v1/session'));
  window.location.assign('/sign-in');
}

whenSignedOut(() => void queries.invalidateQueries({ queryKey: sessionQuery.queryKey }));
