import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';

type Word = (reason: string) => string;

/** Why somebody is in a journey no more, in the reader's words; an author's own reasons as they are called. */
export function useReason(): Word {
  const { t } = useTranslation();
  return (reason) => t(`journeys.reason.${reason}`, { defaultValue: reason.replaceAll('_', ' ') });
}

/** Why somebody who came was not let in. */
export function useNotIn(): Word {
  const { t } = useTranslation();
  return (reason) => t(`journeys.not_in.${reason}`, { defaultValue: reason.replaceAll('_', ' ') });
}

const SHOWN = 3;

/** The reasons of people, the most frequent first; what is left over is one sum. */
export function Outcomes({ arrows, word }: { arrows: { did: string; people: number }[]; word: Word }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sums = new Map<string, number>();
  for (const one of arrows) sums.set(one.did, (sums.get(one.did) ?? 0) + one.people);
  const sorted = [...sums].sort((one, other) => other[1] - one[1]);
  const told = sorted.slice(0, sorted.length > SHOWN + 1 ? SHOWN : sorted.length).map(([did, people]) => `${word(did)} ${format.number(people)}`);
  const rest = sorted.slice(told.length).reduce((sum, [, people]) => sum + people, 0);
  return <>{[...told, ...(rest > 0 ? [t('journeys.others_n', { shown: format.number(rest) })] : [])].join(' · ')}</>;
}
