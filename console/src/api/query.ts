import { QueryClient } from '@tanstack/react-query';
import { Problem } from './problem';

/** Answers are kept for a few seconds; what the caller did wrong is not asked again. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status < 500),
      refetchOnWindowFocus: true,
    },
  },
});
