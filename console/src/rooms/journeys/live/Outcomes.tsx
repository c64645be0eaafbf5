import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';

/** Why somebody is in a journey no more, in the reader's words; an author's own reasons as they are called. */
export function useReason(): (reason: string) => string {
  const { t } = useTranslation();
  return (reason) => t(`journeys.reason.${reason}`, { defaultValue: reason.replaceAll('_', ' ') });
}

/** The reasons people left for, the most frequent first. */
export function Outcomes({ arrows }: { arrows: { did: string; people: number }[] }) {
  const format = useFormat();
  const reason = useReason();
  const sums = new Map<string, number>();
  for (const one of arrows) sums.set(one.did, (sums.get(one.did) ?? 0) + one.people);
  const told = [...sums].sort((one, other) => other[1] - one[1]).slice(0, 3);
  return <>{told.map(([did, people]) => `${reason(did)} ${format.number(people)}`).join(' · ')}</>;
}
