import { useTranslation } from 'react-i18next';
import { NOTHING, useFormat } from '@/design/format';

export const FREQUENCIES = ['all', 'daily', 'weekly', 'monthly'] as const;
export const LANGUAGES = { en: 'English', ru: 'Русский', zh: '中文' } as const;
export type Frequency = (typeof FREQUENCIES)[number];
export type Tongue = keyof typeof LANGUAGES;

export interface Quiet {
  from: string;
  to: string;
  zone: string;
}

/** A customer's wishes in words. */
export function useWishWords() {
  const { t } = useTranslation();
  const format = useFormat();
  const value = (aspect: string, said: unknown): string => {
    if (said === null || said === undefined) return NOTHING;
    if (aspect === 'frequency') return t(`consent.frequency_${String(said)}`);
    if (aspect === 'language') return LANGUAGES[said as Tongue];
    if (aspect === 'channel') return t(`channel.${String(said)}`, { defaultValue: String(said) });
    if (aspect === 'paused_until') return t('consent.until', { when: format.dateTime(String(said)) });
    const quiet = said as Quiet;
    return `${quiet.from}–${quiet.to}, ${quiet.zone.replaceAll('_', ' ')}`;
  };
  const source = (said: string) => (said === 'preference page' ? t('consent.own_page') : said);
  return { value, source };
}
