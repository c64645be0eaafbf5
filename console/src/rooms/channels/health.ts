import { useQuery } from '@tanstack/react-query';
import { api, take, type AnswerOf } from '@/api/client';

export type Health = AnswerOf<'/v1/delivery/accounts/{account_id}', 'get'>;
export type Terms = Health['terms'];

/** How every account is, asked again every few seconds. */
export function useHealth() {
  return useQuery({ queryKey: ['accounts-health'], queryFn: () => take(api.GET('/v1/delivery/accounts')), refetchInterval: 5000 });
}

/** How many a warm-up allows on each day until it is over, at most a year of them. */
export function warmingDays(warmup: NonNullable<Terms['warmup']>): { day: string; most: number }[] {
  const days: { day: string; most: number }[] = [];
  const start = Date.parse(`${warmup.start}T00:00:00Z`);
  const { first = 200, growth = 1.5, until = 100_000 } = warmup;
  for (let number = 0; number < 366; number += 1) {
    const most = Math.round(first * growth ** number);
    if (most > until || growth <= 1) break;
    days.push({ day: new Date(start + number * 86_400_000).toISOString().slice(0, 10), most });
  }
  return days;
}
